#include "host/base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

namespace novacron::host {
namespace {

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%fZ %^%-5l%$ %v";
constexpr const char* kJsonPattern = "%v";
constexpr std::array<std::pair<LogLevel, std::string_view>, 4> kLevelNames = {
    {{LogLevel::kDebug, "debug"}, {LogLevel::kInfo, "info"}, {LogLevel::kWarn, "warn"}, {LogLevel::kError, "error"}}};

std::unique_ptr<spdlog::formatter> formatter(const char* pattern) {
  return std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc);
}

/// Keeps the last lines, within both bounds.
class Tail final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::vector<std::string> last(size_t count) {
    std::lock_guard lock(mutex_);
    return {lines_.end() - static_cast<std::ptrdiff_t>(std::min(count, lines_.size())), lines_.end()};
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    while (text.size() > 0 && text[text.size() - 1] == '\n') text.resize(text.size() - 1);
    lines_.emplace_back(text.data(), std::min(text.size(), kMaxLogTailLineBytes));
    bytes_ += lines_.back().size();
    while (lines_.size() > kMaxLogTailLines || bytes_ > kMaxLogTailBytes) {
      bytes_ -= lines_.front().size();
      lines_.pop_front();
    }
  }
  void flush_() override {}

  std::deque<std::string> lines_;
  size_t bytes_ = 0;
};

/// Where lines go, and which do.
class Writer {
 public:
  Writer() {
    logger_.set_level(spdlog::level::trace);  // what is let through is decided here, subject by subject
    stderr_->set_formatter(formatter(kTextPattern));
    tail_->set_formatter(formatter(kTextPattern));
    configure({});
  }

  void configure(LogSettings settings) {
    std::lock_guard lock(mutex_);
    if (settings.format != format_) {
      stderr_->set_formatter(formatter(settings.format == LogFormat::kJson ? kJsonPattern : kTextPattern));
    }
    format_ = settings.format;
    LogLevel lowest = settings.level;
    for (const auto& [subject, level] : settings.levels) lowest = std::min(lowest, level);
    lowest_ = lowest;
    settings_ = std::make_shared<const LogSettings>(std::move(settings));
  }
  std::shared_ptr<const LogSettings> settings() const {
    std::lock_guard lock(mutex_);
    return settings_;
  }
  LogFormat format() const { return format_; }
  std::vector<std::string> tail(size_t lines) { return tail_->last(lines); }

  /// Most lines that are not wanted end at the first comparison.
  bool wants(LogLevel level, std::string_view subject) const {
    return level >= lowest_ && level >= lowest_level(*settings(), subject);
  }
  void write(LogLevel level, const std::string& line) { logger_.log(level_of(level), "{}", line); }

 private:
  const std::shared_ptr<spdlog::sinks::stderr_color_sink_mt> stderr_ =
      std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  const std::shared_ptr<Tail> tail_ = std::make_shared<Tail>();
  spdlog::logger logger_{"novacron", {stderr_, tail_}};
  mutable std::mutex mutex_;
  std::atomic<LogFormat> format_ = LogFormat::kText;
  std::atomic<LogLevel> lowest_ = LogLevel::kInfo;
  std::shared_ptr<const LogSettings> settings_;  ///< under mutex_; shared with lines that are being looked at
};

/// Never destroyed: a thread may still log while the process ends.
Writer& writer() {
  static Writer* const instance = new Writer;
  return *instance;
}

bool needs_quotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    if (c == ' ' || c == '"' || c == '=' || static_cast<unsigned char>(c) < 0x20) return true;
  }
  return false;
}

std::string json_quoted(std::string_view value) {
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string text_line(std::string_view component, std::string_view event, const LogField* fields, size_t count) {
  std::string line = std::string(component) + ": " + std::string(event);
  for (size_t i = 0; i < count; ++i) {
    line +=
        ' ' + fields[i].key + '=' + (needs_quotes(fields[i].value) ? json_quoted(fields[i].value) : fields[i].value);
  }
  return line;
}

std::string json_line(LogLevel level, std::string_view component, std::string_view event, const LogField* fields,
                      size_t count) {
  nlohmann::ordered_json line;
  line["level"] = spdlog::level::to_string_view(level_of(level)).data();
  line["component"] = component;
  line["event"] = event;
  for (size_t i = 0; i < count; ++i) line[fields[i].key] = fields[i].value;
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string_view to_string(LogLevel level) {
  const auto found =
      std::find_if(kLevelNames.begin(), kLevelNames.end(), [&](const auto& e) { return e.first == level; });
  return found == kLevelNames.end() ? "error" : found->second;
}

std::optional<LogLevel> log_level_named(std::string_view name) {
  const auto found =
      std::find_if(kLevelNames.begin(), kLevelNames.end(), [&](const auto& e) { return e.second == name; });
  return found == kLevelNames.end() ? std::nullopt : std::optional(found->first);
}

bool is_log_subject(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= kMaxLogSubjectBytes && std::all_of(name.begin(), name.end(), fits);
}

LogLevel lowest_level(const LogSettings& settings, std::string_view subject) {
  while (!settings.levels.empty()) {
    const auto found = settings.levels.find(subject);
    if (found != settings.levels.end()) return found->second;
    const size_t dot = subject.rfind('.');
    if (dot == std::string_view::npos) break;
    subject = subject.substr(0, dot);
  }
  return settings.level;
}

void log_configure(LogSettings settings) {
  writer().configure(std::move(settings));
}

LogSettings log_settings() {
  return *writer().settings();
}

std::vector<std::string> log_tail(size_t lines) {
  return writer().tail(lines);
}

void log(LogLevel level, std::string_view component, std::string_view event, std::initializer_list<LogField> fields) {
  log_fields(level, component, event, fields.begin(), fields.size());
}

void log_fields(LogLevel level, std::string_view component, std::string_view event, const LogField* fields,
                size_t count) {
  if (!writer().wants(level, component)) return;
  const std::string line = writer().format() == LogFormat::kJson ? json_line(level, component, event, fields, count)
                                                                 : text_line(component, event, fields, count);
  writer().write(level, line);
}

}  // namespace novacron::host
