#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "host/base/file.h"
#include "host/cli/testing.h"

using namespace novacron::host;
using namespace novacron::host::cli;
using namespace novacron::host::cli::testing;
using nlohmann::json;

TEST_CASE("events are shown as they were kept, and what was lost is said") {
  Folder folder;
  FakeHost host([](const FakeRequest& request) -> FakeResponse {
    if (request.target != "/v1/events?subject=plugin.%2A&after=0") return {.status = 500};
    return {
        .chunks =
            {R"({"cursor":"7-1-0","type":"plugin.failed","time":"2026-01-01T00:00:00Z","missed":3,"data":{"name":"x"}})"
             "\n"},
        .stays_open = true};
  });
  const Outcome done = run_cli(folder, host.url(), {"events", "plugin.*"});
  CHECK(done.code == ExitCode::kOk);
  CHECK(done.out.find("plugin.failed") != std::string::npos);
  CHECK(done.out.find(R"({"name":"x"})") != std::string::npos);
  CHECK(done.err == "novacron: 3 events were lost before this one\n");
}

TEST_CASE("objects count as pending only where their kind says when they are ready") {
  Folder folder;
  FakeHost host([](const FakeRequest& request) -> FakeResponse {
    if (request.target == "/v1/schema") return {.body = workshop()->serialize()};
    if (request.target == "/version") return {.body = R"({"version":"1.0.0"})"};
    if (request.target == "/readyz") return {.body = R"({"status":"ready"})"};
    if (request.target.starts_with("/v1/contracts"))
      return {.body = R"({"items":[{"metadata":{"name":"a","generation":2},"status":{"observed_generation":2}},
                                   {"metadata":{"name":"b","generation":2},"status":{"observed_generation":1}},
                                   {"metadata":{"name":"c","generation":1}}]})"};
    if (request.target.starts_with("/v1/tenants/default/machines"))
      return {
          .body =
              R"({"items":[{"metadata":{"name":"a","generation":1},"status":{"phase":"BROKEN","observed_generation":1}},
                                   {"metadata":{"name":"b","generation":1},"spec":{"mode":"ON"},"status":{"phase":"BUILDING","observed_generation":1}},
                                   {"metadata":{"name":"c","generation":1},"spec":{"mode":"ON"},"status":{"phase":"WORKING","observed_generation":1}},
                                   {"metadata":{"name":"d","generation":2},"spec":{"mode":"ON"},"status":{"phase":"WORKING","observed_generation":1}}]})"};
    return {.body = R"({"items":[]})"};
  });
  const Outcome done = run_cli(folder, host.url(), {"status", "-o", "json"});
  REQUIRE(done.code == ExitCode::kOk);
  const json kinds = json::parse(done.out)["kinds"];
  CHECK(kinds["contracts"] == json({{"ready", 3}, {"pending", 0}, {"failed", 0}}));
  CHECK(kinds["machines"] == json({{"ready", 1}, {"pending", 2}, {"failed", 1}}));
}

TEST_CASE("a blob is uploaded as it is and its digest printed") {
  Folder folder;
  FakeHost host([](const FakeRequest& request) -> FakeResponse {
    if (request.target != "/v1/blobs") return {.body = workshop()->serialize()};
    return {.status = 201, .body = R"({"digest":"sha256:)" + request.body + R"("})"};
  });
  const std::string file = folder.path + "/content";
  REQUIRE(write_file(file, "abc", 0600).ok());
  CHECK(run_cli(folder, host.url(), {"blob", "upload", file}).out == "sha256:abc\n");
  CHECK(run_cli(folder, host.url(), {"blob", "upload", file + "x"}).code == ExitCode::kUsage);
}

TEST_CASE("a plugin is installed with what its manifest asks for, and its configuration is checked first") {
  Folder folder;
  json sent;
  FakeHost host([&](const FakeRequest& request) -> FakeResponse {
    if (request.method == "POST") sent = json::parse(request.body);
    if (request.target == "/v1/schema") return {.body = workshop()->serialize()};
    return {.body =
                R"({"kind":"novacron.core/Plugin","metadata":{"name":"hello","generation":1},"spec":{"enabled":true},
                        "status":{"state":"ENABLED","observed_generation":1,"requested":{"publish":["a.*"]},
                                  "faults":[{"reason":"plugin.stale-id","message":"it used an id: finish","count":"10"}],
                                  "breakers":[{"service":"a.v1.S","failures":5}]}})"};
  });
  const auto plugin = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "plugin");
    return run_cli(folder, host.url(), words);
  };
  CHECK(plugin({"install", "hello", "--config", "[1]"}).code == ExitCode::kUsage);
  CHECK(sent.is_null());
  const std::string config = folder.path + "/c.json";
  REQUIRE(write_file(config, R"({"a":1})", 0600).ok());
  CHECK(plugin({"install", "hello", "--enable", "--config", "@" + config}).out == "plugin/hello created\n");
  CHECK(sent["spec"] == json::parse(R"({"enabled":true,"config_json":"{\"a\":1}"})"));
  const std::string info = plugin({"info", "hello"}).out;
  INFO(info);
  CHECK(info.find("publish      a.*         a.*") != std::string::npos);
  CHECK(info.find("plugin.stale-id       10      it used an id: finish") != std::string::npos);
  CHECK(info.find("plugin.breaker-open   5       calls of a.v1.S are refused") != std::string::npos);
}
