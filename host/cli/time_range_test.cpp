#include "host/cli/time_range.h"

#include <catch2/catch.hpp>

#include "host/cli/exit_code.h"

using namespace novacron::host;
using namespace novacron::host::cli;

namespace {

std::string narrowed(const std::string& since, const std::string& until, const std::string& where = "") {
  Arguments arguments;
  if (!since.empty()) arguments.add("--since", since);
  if (!until.empty()) arguments.add("--until", until);
  const auto result = where_created(arguments, where);
  if (result.ok()) return *result;
  CHECK(exit_code(result.error()) == ExitCode::kUsage);
  return result.error().message;
}

}  // namespace

TEST_CASE("what people type as a time becomes a time for the host") {
  CHECK(narrowed("", "") == "");
  CHECK(narrowed("1h30m", "") == "metadata.created_at >= now-1h30m");
  CHECK(narrowed("7d", "2026-01-31T12:00:00Z") ==
        "metadata.created_at >= now-7d && metadata.created_at <= \"2026-01-31T12:00:00Z\"");
  CHECK(narrowed("", "now") == "metadata.created_at <= now");
  CHECK(narrowed("yesterday", "").starts_with("--since: \"yesterday\" is no time"));
  CHECK(narrowed("", "5").starts_with("--until: \"5\" is no time"));
}

TEST_CASE("each alternative of a selector is narrowed, and no text is taken for one") {
  CHECK(narrowed("1h", "", "spec.a == 1") == "spec.a == 1 && metadata.created_at >= now-1h");
  CHECK(narrowed("1h", "", "spec.a == 1 || spec.b == 2") ==
        "spec.a == 1  && metadata.created_at >= now-1h ||  spec.b == 2 && metadata.created_at >= now-1h");
  CHECK(narrowed("1h", "", R"(spec.a == "x||\"y||z")") == R"(spec.a == "x||\"y||z" && metadata.created_at >= now-1h)");
}
