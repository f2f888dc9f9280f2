#include "host/plugin/plugin_log.h"

#include <algorithm>
#include <vector>

#include "host/base/log.h"
#include "host/plugin/abi.h"

namespace novacron::host::plugin {
namespace {
constexpr uint64_t kNsPerLine = 1'000'000'000 / kLogLinesPerSecond;

LogLevel level_of(int32_t level) {
  return static_cast<LogLevel>(std::clamp<int32_t>(level, NC_LOG_DEBUG, NC_LOG_ERROR));
}
}  // namespace

PluginLog::PluginLog(const Clock& clock, const std::string& plugin)
    : clock_(clock), component_("plugin." + plugin), filled_at_ns_(clock.monotonic_ns()) {}

bool PluginLog::allowed(uint64_t& dropped_before) {
  std::lock_guard lock(mutex_);
  const uint64_t earned = (clock_.monotonic_ns() - filled_at_ns_) / kNsPerLine;
  filled_at_ns_ += earned * kNsPerLine;
  lines_left_ = std::min(kLogBurst, lines_left_ + earned);
  if (lines_left_ == 0) {
    ++unsaid_;
    ++dropped_;
    return false;
  }
  --lines_left_;
  dropped_before = std::exchange(unsaid_, 0);
  return true;
}

bool PluginLog::write(int32_t level, nc_str event, const nc_field* const* fields, size_t length) {
  uint64_t dropped_before = 0;
  if (!allowed(dropped_before)) return false;
  std::vector<LogField> said;
  const size_t count = fields ? std::min(length, kMaxLogFields) : 0;
  for (size_t i = 0; i < count; ++i) {
    if (!fields[i] || !NC_HAS(fields[i], value)) continue;
    said.emplace_back(view(fields[i]->key).substr(0, kMaxLogKeyBytes),
                      view(fields[i]->value).substr(0, kMaxLogValueBytes));
  }
  if (dropped_before > 0) said.emplace_back("lines_dropped", dropped_before);
  log_fields(level_of(level), component_, view(event).substr(0, kMaxLogEventBytes), said.data(), said.size());
  return true;
}

}  // namespace novacron::host::plugin
