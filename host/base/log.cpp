#include "host/base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

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

std::atomic<LogFormat>& format() {
  static std::atomic<LogFormat> value{LogFormat::kText};
  return value;
}

spdlog::logger& logger() {
  // Never destroyed: a thread may still log while the process ends.
  static spdlog::logger* const instance = [] {
    auto* made = new spdlog::logger("novacron", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %^%-5l%$ %v", spdlog::pattern_time_type::utc);
    return made;
  }();
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

void log_setup(LogLevel lowest, LogFormat chosen) {
  format() = chosen;
  if (chosen == LogFormat::kJson) logger().set_pattern("%v");
  log_set_level(lowest);
}

void log_set_level(LogLevel lowest) {
  logger().set_level(level_of(lowest));
}

void log(LogLevel level, std::string_view component, std::string_view event, std::initializer_list<LogField> fields) {
  log_fields(level, component, event, fields.begin(), fields.size());
}

void log_fields(LogLevel level, std::string_view component, std::string_view event, const LogField* fields,
                size_t count) {
  if (!logger().should_log(level_of(level))) return;
  const std::string line = format() == LogFormat::kJson ? json_line(level, component, event, fields, count)
                                                        : text_line(component, event, fields, count);
  logger().log(level_of(level), "{}", line);
}

}  // namespace novacron::host
