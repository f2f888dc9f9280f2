#include "host/base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "host/base/fd.h"

using namespace novacron::host;

namespace {

/// Puts the settings back that were there before, and keeps what is logged out of the test's output.
struct Settings {
  Settings() {
    const Fd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    ::dup2(nowhere.get(), STDERR_FILENO);
  }
  ~Settings() {
    log_configure(before);
    ::dup2(standard_error.get(), STDERR_FILENO);
  }
  const LogSettings before = log_settings();
  const Fd standard_error{::dup(STDERR_FILENO)};
};

bool was_written(const std::string& text) {
  const auto lines = log_tail(kMaxLogTailLines);
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("a level has a name, and nothing else is one") {
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError})
    CHECK(log_level_named(to_string(level)) == level);
  CHECK_FALSE(log_level_named("loud"));
  CHECK_FALSE(log_level_named(""));
}

TEST_CASE("a subject has its own level, that of what it is below, or everybody's") {
  LogSettings settings{.level = LogLevel::kWarn};
  settings.levels = {{"plugin", LogLevel::kDebug}, {"plugin.loud", LogLevel::kError}};
  CHECK(lowest_level(settings, "api") == LogLevel::kWarn);
  CHECK(lowest_level(settings, "plugin") == LogLevel::kDebug);
  CHECK(lowest_level(settings, "plugin.a") == LogLevel::kDebug);
  CHECK(lowest_level(settings, "plugin.a.b") == LogLevel::kDebug);
  CHECK(lowest_level(settings, "plugin.loud") == LogLevel::kError);
  CHECK(lowest_level(settings, "plugins") == LogLevel::kWarn);
  CHECK(lowest_level(settings, "") == LogLevel::kWarn);
}

TEST_CASE("lines below a subject's level are not written, and a change counts from the next line on") {
  const Settings restore;
  log_configure({.level = LogLevel::kInfo, .levels = {{"api", LogLevel::kWarn}}});
  log_info("state", "first of state");
  log_info("api", "first of api");
  CHECK(was_written("state: first of state"));
  CHECK_FALSE(was_written("first of api"));
  log_configure({.level = LogLevel::kError, .levels = {{"api", LogLevel::kDebug}}});
  log_info("state", "second of state");
  log_debug("api", "second of api", {{"n", 2}});
  CHECK_FALSE(was_written("second of state"));
  CHECK(was_written("api: second of api n=2"));
}

TEST_CASE("the tail has the last lines with their times, whatever the format, and forgets the oldest") {
  const Settings restore;
  log_configure({.level = LogLevel::kError, .format = LogFormat::kJson, .levels = {{"tail", LogLevel::kInfo}}});
  for (size_t i = 0; i <= kMaxLogTailLines; ++i) log_info("tail", "line", {{"i", i}});
  const auto all = log_tail(kMaxLogTailLines + 1);
  REQUIRE(all.size() == kMaxLogTailLines);
  CHECK_THAT(all.back(), Catch::Matches("[0-9TZ:.-]+ info +\\{.*\"i\":\"1000\"\\}"));
  CHECK(log_tail(1) == std::vector<std::string>{all.back()});
  CHECK_FALSE(was_written("\"i\":\"0\"}"));
}

TEST_CASE("the tail cuts long lines, and has at most its bytes") {
  const Settings restore;
  const std::string long_line(2 * kMaxLogTailLineBytes, 'x');
  for (size_t bytes = 0; bytes < 4 * kMaxLogTailBytes; bytes += long_line.size()) log_info("tail", long_line);
  const auto all = log_tail(kMaxLogTailLines);
  CHECK(all.size() == kMaxLogTailBytes / kMaxLogTailLineBytes);
  CHECK(all.back().size() == kMaxLogTailLineBytes);
}
