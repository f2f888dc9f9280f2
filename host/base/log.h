// Structured logs: an event phrase, then key=value. error: somebody must act; warn: degraded; info: lifecycle. Never a
// secret.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace novacron::host {

enum class LogLevel { kDebug = 0, kInfo = 1, kWarn = 2, kError = 3 };
enum class LogFormat { kText, kJson };

struct LogField {
  std::string key;
  std::string value;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
  template <class Number>
  requires std::is_arithmetic_v<Number> LogField(std::string_view k, Number v) : key(k), value(std::to_string(v)) {}
};

/// Once, by main, before threads start. Logs go to standard error; without this call too, as text from info on.
void log_setup(LogLevel lowest, LogFormat format);
/// Changes the lowest level that is written. [any]
void log_set_level(LogLevel lowest);

/// [any] `component` is the subject in the log ("state", "plugin.example"). Values are escaped, so that one call is one
/// line.
void log(LogLevel level, std::string_view component, std::string_view event,
         std::initializer_list<LogField> fields = {});
void log_fields(LogLevel level, std::string_view component, std::string_view event, const LogField* fields,
                size_t count);

inline void log_debug(std::string_view component, std::string_view event, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::kDebug, component, event, fields);
}
inline void log_info(std::string_view component, std::string_view event, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::kInfo, component, event, fields);
}
inline void log_warn(std::string_view component, std::string_view event, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::kWarn, component, event, fields);
}
inline void log_error(std::string_view component, std::string_view event, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::kError, component, event, fields);
}

}  // namespace novacron::host
