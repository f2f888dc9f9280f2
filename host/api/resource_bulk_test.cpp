#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "host/api/gateway.h"
#include "host/api/testing/api_world.h"

using namespace novacron::host;
using namespace novacron::host::api;

namespace {

using nlohmann::json;

using Fixture = RobotsWorld;

}  // namespace

TEST_CASE_METHOD(Fixture, "Many are deleted at once, by a selector") {
  for (int i = 0; i < 4; ++i) make("r" + std::to_string(i), i < 3 ? R"({"team":"red"})" : "{}");
  const auto remove = [&](const std::string& query) {
    return client.call("DELETE", std::string(kRobots) + "?" + query);
  };
  CHECK(reason(remove("")) == "resource.unselective");
  CHECK(client.call("DELETE", "/v1/robots?all").status == 405);
  CHECK(remove("label_selector=team%3Dred&dry_run").status == 200);
  const auto first = json::parse(remove("label_selector=team%3Dred&limit=2").body);
  REQUIRE(first["items"].size() == 2);
  CHECK(first["items"][0]["name"] == "r0");
  CHECK(first["items"][0]["state"] == "DELETED");
  const std::string token = first["next_page_token"];
  const auto second = json::parse(remove("label_selector=team%3Dred&limit=2&page_token=" + percent_encode(token)).body);
  CHECK(second["items"].size() == 1);
  CHECK(second["next_page_token"] == "");
  CHECK(client.call("GET", robot("r2")).status == 404);
  CHECK(client.call("GET", robot("r3")).status == 200);
  CHECK(json::parse(remove("all").body)["items"].size() == 1);
}

TEST_CASE_METHOD(Fixture, "Many are changed at once, each by itself") {
  for (int i = 0; i < 3; ++i) make("r" + std::to_string(i), i < 2 ? R"({"team":"red"})" : "{}");
  const auto patch = [&](const std::string& query, const std::string& body, const std::string& type = kPatch) {
    return client.call("PATCH", std::string(kRobots) + "?" + query, body, type);
  };
  const std::string three = R"({"spec":{"arms":3}})";
  CHECK(reason(patch("", three)) == "resource.unselective");
  CHECK(client.call("PATCH", "/v1/robots?all", three, kPatch).status == 400);
  CHECK(patch("all", three, std::string(kPatch) + "If-Match: \"x-1\"\r\n").status == 400);
  CHECK(json::parse(patch("all&dry_run", three).body)["items"].size() == 3);
  CHECK(json::parse(client.call("GET", robot("r0")).body)["spec"]["arms"] == 2);
  const auto page = json::parse(patch("label_selector=team%3Dred", three).body);
  REQUIRE(page["items"].size() == 2);
  CHECK(page["items"][0]["state"] == "CHANGED");
  CHECK(page["items"][0]["generation"] == 2);
  CHECK(page["next_page_token"] == "");
  CHECK(json::parse(client.call("GET", robot("r1")).body)["spec"]["arms"] == 3);
  CHECK(json::parse(client.call("GET", robot("r2")).body)["spec"]["arms"] == 2);
  CHECK(json::parse(patch("field_selector=spec.arms%20%3D%3D%203", three).body)["items"][0]["state"] == "UNCHANGED");
  const auto refused = json::parse(patch("all&limit=1", R"({"spec":{"arms":99}})").body);
  CHECK(refused["items"][0]["state"] == "REFUSED");
  CHECK(refused["items"][0]["reason"] == "field.invalid");
  CHECK(refused["items"][0]["fields"][0]["path"] == "spec.arms");
  CHECK(refused["next_page_token"] != "");
  patch("all&dry_run", R"({"spec":{"arms":99}})");
  const auto noted = json::parse(client.call("GET", "/v1/tasks?outcome=REFUSED").body)["items"];
  REQUIRE(noted.size() == 1);
  CHECK(noted[0]["name"] == "r0");
  CHECK(noted[0]["verb"] == "update");
  CHECK(noted[0]["reason"] == "field.invalid");
  const auto tested =
      patch("all", R"([{"op":"test","path":"/spec/arms","value":3},{"op":"add","path":"/spec/mood","value":"SAD"}])",
            "Content-Type: application/json-patch+json\r\n");
  const auto outcomes = json::parse(tested.body)["items"];
  CHECK(outcomes[0]["state"] == "CHANGED");
  CHECK(outcomes[2]["reason"] == "json.patch-test");
  const auto applied = json::parse(
      patch("all&field_manager=ops", R"({"spec":{"arms":4}})", "Content-Type: application/apply-patch+json\r\n").body);
  CHECK(applied["items"][2]["state"] == "CHANGED");
}

TEST_CASE_METHOD(Fixture, "A verb of many reaches those that a selector chooses") {
  for (int i = 0; i < 3; ++i) make("r" + std::to_string(i), i < 2 ? R"({"team":"red"})" : "{}");
  const auto verb = [&](const std::string& name, const std::string& query, const std::string& headers = "") {
    return client.call("POST", std::string(kRobots) + ":" + name + "?" + query, "", headers);
  };
  CHECK(reason(verb("sadden", "")) == "resource.unselective");
  CHECK(reason(verb("nothing", "all")) == "resource.unknown-verb");
  CHECK(reason(verb("look", "all")) == "action.of-one-object");
  CHECK(client.call("GET", std::string(kRobots) + ":sadden?all").status == 405);
  CHECK(client.call("POST", "/v1/robots:sadden?all", "").status == 400);
  CHECK(json::parse(verb("sadden", "label_selector=team%3Dred&dry_run").body)["items"][0]["state"] == "CHANGED");
  CHECK(json::parse(client.call("GET", robot("r0")).body)["spec"]["mood"] == "HAPPY");
  const auto page = json::parse(verb("sadden", "label_selector=team%3Dred", "Idempotency-Key: k1\r\n").body);
  REQUIRE(page["items"].size() == 2);
  CHECK(page["items"][1]["state"] == "CHANGED");
  CHECK(page["items"][1]["operation"].get<std::string>().ends_with("-g2-sadden"));
  CHECK(json::parse(client.call("GET", robot("r1")).body)["spec"]["mood"] == "SAD");
  CHECK(json::parse(client.call("GET", robot("r2")).body)["spec"]["mood"] == "HAPPY");
  const auto fetch = [&] {
    const auto answer = post(std::string(kRobots) + ":fetch?all", R"({"thing":"ball"})", "Idempotency-Key: k2\r\n");
    return json::parse(answer.body)["items"];
  };
  const auto started = fetch();
  REQUIRE(started.size() == 3);
  CHECK(started[2]["state"] == "STARTED");
  CHECK(started[0]["operation"] != started[1]["operation"]);
  CHECK(fetch() == started);
}
