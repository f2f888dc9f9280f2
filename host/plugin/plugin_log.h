// What a plugin logs, cut to size and to a rate. What is dropped is counted and said with the next line that is not.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "host/base/clock.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::plugin {

constexpr uint64_t kLogLinesPerSecond = 200;
constexpr uint64_t kLogBurst = 1'000;  ///< lines at once after a quiet time
constexpr size_t kMaxLogFields = 32;
constexpr size_t kMaxLogEventBytes = 256;
constexpr size_t kMaxLogKeyBytes = 64;
constexpr size_t kMaxLogValueBytes = 1'024;

/// [any] thread.
class PluginLog final {
 public:
  PluginLog(const Clock& clock, const std::string& plugin);
  /// False: dropped.
  bool write(int32_t level, nc_str event, const nc_field* const* fields, size_t length);
  uint64_t dropped() const { return dropped_; }

 private:
  /// Lines that were dropped since the last one; nothing: this one is dropped too.
  bool allowed(uint64_t& dropped_before);

  const Clock& clock_;
  const std::string component_;
  std::atomic<uint64_t> dropped_ = 0;
  std::mutex mutex_;
  uint64_t filled_at_ns_;
  uint64_t lines_left_ = kLogBurst;
  uint64_t unsaid_ = 0;  ///< dropped and not said yet
};

}  // namespace novacron::host::plugin
