// Structured logs: an event phrase, then key=value. error: somebody must act; warn: degraded; info: lifecycle. Never a
// secret.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

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

inline constexpr size_t kMaxLogTailLines = 1'000;
inline constexpr size_t kMaxLogTailBytes = 512 * 1024;
inline constexpr size_t kMaxLogTailLineBytes = 4 * 1024;  ///< what is longer is cut there

std::string_view to_string(LogLevel level);
/// "debug", "info", "warn", "error"; else nothing.
std::optional<LogLevel> log_level_named(std::string_view name);

inline constexpr size_t kMaxLogSubjects = 64;  ///< with levels of their own
inline constexpr size_t kMaxLogSubjectBytes = 128;
/// Lower-case letters, digits, dots, dashes and underscores: "plugin.example".
bool is_log_subject(std::string_view name);

struct LogSettings {
  LogLevel level = LogLevel::kInfo;  ///< the lowest that is written
  LogFormat format = LogFormat::kText;
  /// The same for subjects that differ. "plugin" holds for "plugin.example" too, unless that one is there itself.
  std::map<std::string, LogLevel, std::less<>> levels = {};
};

/// The lowest level that the settings let through for a subject.
LogLevel lowest_level(const LogSettings& settings, std::string_view subject);

/// [any] From now on. Logs go to standard error; without this call too, as text from info on.
void log_configure(LogSettings settings);
/// [any]
LogSettings log_settings();
/// [any] The last lines that were written, at most `lines` of kMaxLogTailLines and kMaxLogTailBytes, oldest first, with
/// their times whatever the format.
std::vector<std::string> log_tail(size_t lines);

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
