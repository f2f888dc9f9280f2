#include "host/api/host_api.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "host/api/testing/api_world.h"
#include "host/base/log.h"
#include "host/resource/keys.h"
#include "host/state/sync.h"

using namespace novacron::host;
using namespace novacron::host::api;

namespace {

using nlohmann::json;

struct Fixture : ApiWorld {
  ~Fixture() { log_configure(before); }

  Answer patch(const std::string& body) {
    return client.call("PATCH", "/v1/log", body, "Content-Type: application/merge-patch+json\r\n");
  }
  std::string audit() {
    state::RangeRequest all;
    all.keys = state::KeyRange::prefix(resource::kAuditPrefix);
    std::string text;
    const auto records = state::Sync(world.engine()).range(std::move(all));
    for (const auto& record : records->entries) text += record->value;
    return text;
  }
  void deny(const std::string& what) {
    world.authorizer.denied = {"local:" + std::to_string(::geteuid()) + " " + what};
  }

  const LogSettings before = log_settings();
  TestClient client{path};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "Settings are read again by those who may, and what is wrong with them is the answer") {
  CHECK(client.call("GET", "/v1/config:reload").status == 405);
  CHECK(client.call("POST", "/v1/config").status == 405);
  deny("reload novacron.core/Config");
  CHECK(reason(client.call("POST", "/v1/config:reload")) == "auth.denied");
  CHECK(control.reloads == 0);
  CHECK(client.call("GET", "/v1/config").status == 200);
  deny("get novacron.core/Config");
  CHECK(reason(client.call("GET", "/v1/config")) == "auth.denied");
  CHECK(client.call("POST", "/v1/config:reload").status == 200);
  CHECK(control.reloads == 1);
  CHECK(control.reloaded_by.starts_with("local:"));
  control.is_broken = true;
  const auto refused = client.call("POST", "/v1/config:reload");
  CHECK(refused.status == 400);
  CHECK(reason(refused) == "config.invalid");
  CHECK_THAT(refused.body, Catch::Contains("n.toml:3"));
}

TEST_CASE_METHOD(Fixture, "Levels that are none, and subjects that can be none, are refused and change nothing") {
  const json levels = json::parse(client.call("GET", "/v1/log").body);
  CHECK(reason(patch("[]")) == "json.invalid");
  for (const char* body : {R"({"level":"loud"})", R"({"level":null})", R"({"levels":[]})", R"({"levels":{"api":1}})",
                           R"({"levels":{"A b":"info"}})", R"({"colour":"red"})"})
    CHECK(reason(patch(body)) == "field.invalid");
  std::string many = R"({"levels":{)";
  for (size_t i = 0; i <= kMaxLogSubjects; ++i) many += (i == 0 ? "\"s" : ",\"s") + std::to_string(i) + "\":\"info\"";
  CHECK(reason(patch(many + "}}")) == "field.invalid");
  CHECK(client.call("PATCH", "/v1/log", "{}", "Content-Type: application/json\r\n").status == 415);
  deny("update novacron.core/Log");
  CHECK(reason(patch("{}")) == "auth.denied");
  CHECK(json::parse(client.call("GET", "/v1/log").body) == levels);
}

TEST_CASE_METHOD(Fixture, "Levels are merged, take effect at once, and the change is audited") {
  CHECK(json::parse(patch(R"({"level":"error","levels":{"a":"debug","b":"warn"}})").body)["level"] == "error");
  CHECK(json::parse(patch(R"({"levels":{"a":null,"c":"info"}})").body) ==
        json::parse(R"({"level":"error","levels":{"b":"warn","c":"info"}})"));
  CHECK(lowest_level(log_settings(), "c") == LogLevel::kInfo);
  CHECK_THAT(audit(), Catch::Contains("novacron.core/Log") && Catch::Contains(R"("b":"warn","c":"info")"));
}

TEST_CASE_METHOD(Fixture, "The last lines of the log are there, as many as were asked for") {
  log_configure({.level = LogLevel::kError, .levels = {{"here", LogLevel::kInfo}}});
  log_info("here", "first");
  log_info("here", "second");
  const json lines = json::parse(client.call("GET", "/v1/log/lines?limit=1").body)["lines"];
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0].get<std::string>(), Catch::Contains("here: second"));
  for (const char* target : {"/v1/log/lines?limit=0", "/v1/log/lines?limit=1001", "/v1/log/lines?lines=1"})
    CHECK(reason(client.call("GET", target)) == "field.invalid");
  deny("get novacron.core/Log");
  CHECK(reason(client.call("GET", "/v1/log/lines")) == "auth.denied");
}
