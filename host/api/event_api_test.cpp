// Events, the task log and plans over HTTP.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "host/api/testing/api_world.h"

using namespace novacron::host;
using namespace novacron::host::api;

namespace {

struct Fixture : ApiWorld {
  TestClient client{path};

  void make() {
    const auto made = client.call("POST", "/v1/tenants/default/robots", R"({"metadata":{"name":"r1"}})",
                                  "Content-Type: application/json\r\n");
    REQUIRE(made.status == 201);
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "Events are CloudEvents, one by one or as a batch, resumed by cursor") {
  bus.begin_state(4);
  REQUIRE(bus.publish({.subject = "shop.put",
                       .tenant = "default",
                       .body = std::make_shared<std::string>(R"({"kind":"shop/Robot","name":"r1"})"),
                       .revision = 5,
                       .time_ns = 1'000'000'000,
                       .derived = true}));
  REQUIRE(bus.publish({.subject = "shop.closed"}));
  const std::string batch = "Accept: application/cloudevents-batch+json\r\n";
  const auto answer = client.call("GET", "/v1/events?after=0", "", batch);
  CHECK(answer.header("Content-Type") == "application/cloudevents-batch+json");
  const auto events = nlohmann::json::parse(answer.body);
  REQUIRE(events.size() == 2);
  CHECK(events[0]["specversion"] == "1.0");
  CHECK(events[0]["id"] == "5-0");
  CHECK(events[0]["source"] == "/v1");
  CHECK(events[0]["type"] == "shop.put");
  CHECK(events[0]["subject"] == "shop/Robot/r1");
  CHECK(events[0]["time"] == "1970-01-01T00:00:01Z");
  CHECK(events[0]["revision"] == "5");
  CHECK(events[1]["source"].get<std::string>().starts_with("/v1/nodes/"));
  const auto rest = client.call("GET", "/v1/events?after=" + events[0]["cursor"].get<std::string>(), "", batch);
  CHECK(nlohmann::json::parse(rest.body).size() == 1);
  CHECK(nlohmann::json::parse(client.call("GET", "/v1/events?object=shop/Robot/r1", "", batch).body).size() == 1);
  CHECK(nlohmann::json::parse(client.call("GET", "/v1/events?limit=1", "", batch).body)[0]["type"] == "shop.closed");
  const auto old = client.call("GET", "/v1/events?after=1-1-0", "", batch);
  CHECK(old.status == 410);
  CHECK(old.body.find("oldest_cursor") != std::string::npos);
  CHECK(reason(client.call("GET", "/v1/events?after=x")) == "events.cursor");
  CHECK(reason(client.call("GET", "/v1/events?object=x")) == "http.query");
  CHECK(reason(client.call("GET", "/v1/events?limit=0")) == "http.query");
}

TEST_CASE_METHOD(Fixture, "The task log lists what was done, and apart from that what was refused") {
  make();
  CHECK(client.call("DELETE", "/v1/tenants/default/robots/none").status == 404);
  const auto done = nlohmann::json::parse(client.call("GET", "/v1/tasks?object=shop/Robot/r1").body);
  REQUIRE(done["items"].size() == 1);
  CHECK(done["items"][0]["command"].get<std::string>().starts_with("novacron rb create r1"));
  const auto refused = nlohmann::json::parse(client.call("GET", "/v1/tasks?outcome=REFUSED").body);
  REQUIRE(refused["items"].size() == 1);
  CHECK(refused["items"][0]["reason"] == "resource.not-found");
  CHECK(reason(client.call("GET", "/v1/tasks?object=x")) == "http.query");
}

TEST_CASE_METHOD(Fixture, "A dry run has its plan beside the object") {
  make();
  const auto planned = nlohmann::json::parse(client.call("DELETE", "/v1/tenants/default/robots/r1?dry_run=true").body);
  CHECK(planned["metadata"]["name"] == "r1");
  CHECK(planned["plan"]["effects"][0]["action"] == "delete");
  CHECK(client.call("GET", "/v1/tenants/default/robots/r1").status == 200);
}
