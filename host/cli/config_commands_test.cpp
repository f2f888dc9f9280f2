#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "host/cli/testing.h"

using namespace novacron::host;
using namespace novacron::host::cli;
using namespace novacron::host::cli::testing;
using nlohmann::json;

namespace {

constexpr const char* kConfig = R"({"files":["/n.toml"],"restart_required":["api.listen"],"refused":"/n.toml:3: no",
  "settings":[{"name":"api.listen","value":["[::]:1"],"origin":"/n.toml:2","live":false},
              {"name":"log.level","value":"info","origin":"default","live":true}]})";

}  // namespace

TEST_CASE("settings are shown with where they are from, and with what is amiss") {
  Folder folder;
  FakeHost host([](const FakeRequest&) -> FakeResponse { return {.body = kConfig}; });
  const Outcome done = run_cli(folder, host.url(), {"config", "show"});
  CHECK(done.code == ExitCode::kOk);
  CHECK_THAT(done.out, Catch::Contains("api.listen   [\"[::]:1\"]   /n.toml:2   on restart\n") &&
                           Catch::Contains("log.level    \"info\"       default     on reload\n"));
  CHECK(done.err ==
        "novacron: the last reload changed nothing: /n.toml:3: no\n"
        "novacron: waits for a restart of the host: api.listen\n");
  CHECK(host.lines() == std::vector<std::string>{"GET /v1/config"});
}

TEST_CASE("a reload tells what has changed, and its refusal is an error") {
  Folder folder;
  bool is_wrong = false;
  FakeHost host([&](const FakeRequest&) -> FakeResponse {
    if (is_wrong)
      return {.status = 400,
              .body = R"({"status":400,"code":"INVALID_ARGUMENT","reason":"config.invalid","detail":"n.toml:3: no"})"};
    return {.body = R"({"changed":["log.level"],"restart_required":["api.listen"]})"};
  });
  const Outcome done = run_cli(folder, host.url(), {"config", "reload"});
  CHECK(done.code == ExitCode::kOk);
  CHECK(done.out == "changed: log.level\n");
  CHECK(done.err == "novacron: waits for a restart of the host: api.listen\n");
  is_wrong = true;
  const Outcome refused = run_cli(folder, host.url(), {"config", "reload"});
  CHECK(refused.code == ExitCode::kError);
  CHECK_THAT(refused.err, Catch::Contains("n.toml:3: no"));
  CHECK(host.lines().back() == "POST /v1/config:reload");
}

TEST_CASE("levels are shown, set by subject, and taken away") {
  Folder folder;
  FakeHost host(
      [](const FakeRequest&) -> FakeResponse { return {.body = R"({"level":"info","levels":{"plugin":"debug"}})"}; });
  const auto level = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"log", "level"});
    return run_cli(folder, host.url(), words);
  };
  CHECK(level({}).out == "SUBJECT   LEVEL\nall       info\nplugin    debug\n");
  CHECK(level({"plugin"}).code == ExitCode::kUsage);
  CHECK(level({"plugin", "debug"}).code == ExitCode::kOk);
  CHECK(json::parse(host.requests().back().body) == json::parse(R"({"levels":{"plugin":"debug"}})"));
  CHECK(host.requests().back().headers.at("content-type") == "application/merge-patch+json");
  level({"plugin", "default"});
  CHECK(json::parse(host.requests().back().body) == json::parse(R"({"levels":{"plugin":null}})"));
  level({"all", "warn"});
  CHECK(json::parse(host.requests().back().body) == json::parse(R"({"level":"warn"})"));
}

TEST_CASE("lines of the log cannot steer the terminal") {
  Folder folder;
  FakeHost host([](const FakeRequest&) -> FakeResponse { return {.body = R"({"lines":["a","b\u001b[31m"]})"}; });
  CHECK(run_cli(folder, host.url(), {"log", "show", "-n", "2"}).out == "a\nb\\x1b[31m\n");
  CHECK(host.lines().back() == "GET /v1/log/lines?limit=2");
}
