#include "host/cli/bulk.h"

#include <nlohmann/json.hpp>

#include "host/cli/testing_bench.h"

using namespace novacron::host;
using namespace novacron::host::cli;
using namespace novacron::host::cli::testing;
using nlohmann::json;

namespace {

/// Answers changes of many with two pages: one object changed, one refused.
struct Herd {
  FakeResponse operator()(const FakeRequest& request) {
    if (request.target.find("machines:halt?") != std::string::npos || request.method == "PATCH") {
      const bool second = request.target.find("page_token=two") != std::string::npos;
      const json item = second ? json{{"name", "b"}, {"state", "REFUSED"}, {"detail", "it is busy"}}
                               : json{{"name", "one"}, {"state", "CHANGED"}, {"generation", 1}};
      return {.body = json{{"items", {item}}, {"next_page_token", second ? "" : "two"}}.dump()};
    }
    if (request.target.find("machines:paint?") != std::string::npos) {
      return {.body = R"({"items":[{"name":"one","state":"STARTED","operation":"op1"}],"next_page_token":""})"};
    }
    if (request.target.ends_with("/operations/op1")) {
      return {.body = R"({"kind":"novacron.core/Operation","metadata":{"name":"op1"},"status":{"state":"SUCCEEDED"}})"};
    }
    return bench.objects(request);
  }

  Bench bench;
};

}  // namespace

TEST_CASE("a verb of many takes a selector instead of names, and tells what became of each") {
  Herd herd;
  herd.bench({"mc", "create", "one"});
  FakeHost host([&](const FakeRequest& request) { return herd(request); });
  const auto run = [&](std::vector<std::string> words) { return run_cli(herd.bench.folder, host.url(), words); };
  const Outcome halted = run({"mc", "halt", "-l", "tier=web", "--where", "spec.wheels > 2"});
  CHECK(halted.code == ExitCode::kConflict);
  CHECK(halted.out == "machine/one halt: done\n");
  CHECK(halted.err.find("machine/b: it is busy") != std::string::npos);
  const auto lines = host.lines();
  const auto has = [&](const std::string& text) {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const auto& line) { return line.find(text) != std::string::npos; });
  };
  CHECK(has("machines:halt?label_selector=tier%3Dweb&field_selector=spec.wheels"));
  CHECK(has("page_token=two"));
  CHECK(run({"mc", "halt"}).code == ExitCode::kUsage);
  CHECK(run({"mc", "halt", "-l", "tier=web", "--dry-run"}).out == "machine/one halt: done (dry run)\n");
}

TEST_CASE("an action of many starts an operation for each, and waits for all") {
  Herd herd;
  FakeHost host([&](const FakeRequest& request) { return herd(request); });
  const Outcome painted = run_cli(herd.bench.folder, host.url(), {"mc", "paint", "-l", "tier=web"});
  CHECK(painted.code == ExitCode::kOk);
  CHECK(painted.out == "machine/one paint: done\n");
  CHECK(run_cli(herd.bench.folder, host.url(), {"mc", "paint"}).err.find("-l LABELS") != std::string::npos);
}

TEST_CASE("a patch takes several names, or a selector") {
  Herd herd;
  FakeHost host([&](const FakeRequest& request) { return herd(request); });
  const std::string patch = R"({"spec":{"wheels":2}})";
  const Outcome changed = run_cli(herd.bench.folder, host.url(), {"patch", "mc", "-l", "tier=web", "-p", patch});
  CHECK(changed.code == ExitCode::kConflict);
  CHECK(changed.out == "machine/one changed\n");
  CHECK(host.requests().back().headers.at("content-type") == "application/merge-patch+json");
  CHECK(run_cli(herd.bench.folder, host.url(), {"patch", "mc", "-p", patch}).code == ExitCode::kUsage);
}
