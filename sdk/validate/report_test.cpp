#include "sdk/validate/report.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace novacron::validate;

namespace {

Report report() {
  Report out{.path = "./plugin.so", .id = "p", .version = "1.0.0", .placement = "inline", .seed = 7, .results = {}};
  out.results.push_back({.name = "calls.ids", .suite = "core", .verdict = Verdict::kPassed, .findings = {}});
  out.results.push_back({.name = "calls.fuzz",
                         .suite = "core",
                         .verdict = Verdict::kFailed,
                         .findings = {{Subject::kFinish, "it <did> \x1b[2J", "RULE 5", "do not"}},
                         .output = "last words\n"});
  out.results.push_back(
      {.name = "host.slow", .suite = "core", .verdict = Verdict::kSkipped, .findings = {}, .skipped = "no engine"});
  return out;
}

}  // namespace

TEST_CASE("people read what happened, which rule it breaks, what to do and how to see it again") {
  const std::string text = to_text(report());
  CHECK_THAT(text, Catch::Contains("it <did> ?[2J") && Catch::Contains("rule:    RULE 5") &&
                       Catch::Contains("instead: do not") && Catch::Contains("--seed 7 --test calls.fuzz") &&
                       Catch::Contains("last words") && Catch::Contains("1 passed, 1 failed, 1 skipped"));
}

TEST_CASE("programs read the same as JSON") {
  const auto json = nlohmann::json::parse(to_json(report()));
  CHECK(json["failed"] == 1);
  CHECK(json["tests"][1]["findings"][0]["rule"] == "RULE 5");
  CHECK(json["tests"][2]["skipped"] == "no engine");
  CHECK(json["seed"] == 7);
}

TEST_CASE("what a plugin says cannot break the report for CI") {
  const std::string xml = to_junit(report());
  CHECK_THAT(xml,
             Catch::Contains("failures=\"1\"") && Catch::Contains("it &lt;did&gt; ?[2J") && !Catch::Contains("\x1b"));
}

TEST_CASE("a report goes from the test's process to the runner's, and half of one is none") {
  const Report whole = report();
  const std::string line = to_report(whole.results[1]);
  TestResult got;
  REQUIRE(from_report(line, got));
  CHECK(got.verdict == Verdict::kFailed);
  CHECK(got.findings[0].instead == "do not");
  CHECK_FALSE(from_report(line.substr(0, line.size() / 2), got));
  CHECK_FALSE(from_report("done\t{\"findings\":3}\n", got));
  CHECK_FALSE(from_report("", got));
}
