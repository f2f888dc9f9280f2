#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "host/resource/testing/world.h"

namespace novacron::host::resource {

using nlohmann::json;
using testing::robot_ref;
using testing::World;

namespace {
struct PatchWorld : World {
  json spec() { return json::parse(show(robot("r1")))["spec"]; }
  Result<WriteResult> replace(const std::string& mask, const std::string& text) {
    WriteOptions options;
    options.update_mask = mask;
    return store().replace(alice, robot_ref("r1"), Body::json(text), options);
  }
};

std::string reason(const Result<WriteResult>& result) {
  return result.ok() ? "ok" : result.error().reason;
}
}  // namespace

TEST_CASE("a JSON patch changes what is there, tests the status and leaves it alone") {
  PatchWorld world;
  REQUIRE(world.make_robot("r1", R"({"tools":[{"name":"saw"}],"password":"x"})").ok());
  REQUIRE(world.set_status("r1", R"({"phase":"ACTIVE"})").ok());
  const auto patch = [&](const std::string& text) {
    return world.store().json_patch(world.alice, robot_ref("r1"), text);
  };
  CHECK(reason(patch(R"([{"op":"test","path":"/status/phase","value":"IDLE"},
                         {"op":"add","path":"/spec/arms","value":4}])")) == "json.patch-test");
  CHECK(reason(patch(R"([{"op":"replace","path":"/status/phase","value":"IDLE"}])")) == "field.invalid");
  CHECK(reason(patch(R"([{"op":"add","path":"/spec/arms","value":9}])")) == "field.invalid");
  CHECK(reason(patch(R"([{"op":"replace","path":"/metadata/name","value":"r2"}])")) == "field.invalid");
  CHECK(reason(patch(R"([{"op":"copy","from":"/spec/password","path":"/spec/model"}])")) == "json.patch-path");
  const auto changed = patch(R"([{"op":"test","path":"/status/phase","value":"ACTIVE"},
                                 {"op":"add","path":"/spec/tools/0","value":{"name":"axe"}}])");
  REQUIRE(reason(changed) == "ok");
  CHECK(changed->object.generation == 2);
  CHECK(world.spec()["tools"] == json::parse(R"([{"name":"axe"},{"name":"saw"}])"));
  CHECK(to_json(*world.robot("r1"), {contract::Secrets::kReveal})->find(R"("password":"x")") != std::string::npos);
  world.authorizer.denied = {"user:alice update shop/Robot"};
  CHECK(reason(patch("[]")) == "auth.denied");
}

TEST_CASE("a replacement with a mask changes only what the mask has") {
  PatchWorld world;
  REQUIRE(world
              .make_robot("r1", R"({"arms":3,"mood":"SAD","password":"x","tools":[{"name":"saw"}]})",
                          R"("labels":{"a":"b"},"finalizers":["shop/x"])")
              .ok());
  CHECK(reason(world.replace("spec.legs", "{}")) == "field.invalid");
  CHECK(reason(world.replace("spec.tools.name", R"({"spec":{"tools":[]}})")) == "field.invalid");
  CHECK(reason(world.replace("status", R"({"status":{"phase":"ACTIVE"}})")) == "field.invalid");
  CHECK(reason(world.replace("spec.arms", R"({"spec":{"arms":9}})")) == "field.invalid");
  const auto changed = world.replace("spec.arms,spec.tools", R"({"spec":{"arms":4,"mood":"HAPPY"}})");
  REQUIRE(reason(changed) == "ok");
  CHECK(world.spec() == json::parse(R"({"arms":4,"memory_bytes":1048576,"mood":"SAD","model":"mk1",
                                        "password":"********"})"));
  CHECK(world.show(world.robot("r1")).find(R"("labels":{"a":"b"})") != std::string::npos);
  world.authorizer.denied = {"user:alice update_finalizers shop/Robot"};
  CHECK(reason(world.replace("metadata.finalizers", "{}")) == "auth.denied");
}

TEST_CASE("what is listed is deleted together, and what cannot go says why") {
  PatchWorld world;
  REQUIRE(world.make_station("s1").ok());
  REQUIRE(world.make_station("s2").ok());
  REQUIRE(world.make_robot("r1", R"({"station":"s1"})", R"("labels":{"a":"b"})").ok());
  REQUIRE(world.make_robot("r2", "{}", R"("labels":{"a":"b"},"finalizers":["shop/x"])").ok());
  REQUIRE(world.make_robot("r3").ok());
  const auto stations = world.store().remove_listed(world.alice, {.kind = "shop/Station"});
  REQUIRE(stations.ok());
  REQUIRE(stations->removals.size() == 2);
  REQUIRE(stations->removals[0].error);
  CHECK(stations->removals[0].error->reason == "resource.referenced");
  CHECK_FALSE(stations->removals[1].error);
  const ListOptions labelled{.kind = "shop/Robot", .tenant = "default", .label_selector = "a=b", .page_size = 1};
  const auto tried = world.store().remove_listed(world.alice, labelled, Effect::kDryRun);
  REQUIRE(tried.ok());
  CHECK(tried->removals.size() == 1);
  CHECK_FALSE(tried->next_page_token.empty());
  CHECK(world.robot("r1").ok());
  auto rest = labelled;
  REQUIRE(world.store().remove_listed(world.alice, labelled)->removals[0].ref.name == "r1");
  const auto last = world.store().remove_listed(world.alice, rest);
  CHECK(last->removals[0].ref.name == "r2");
  CHECK(last->removals[0].deleting);
  CHECK(last->next_page_token.empty());
  CHECK(world.show(world.robot("r1")) == "resource.not-found");
  CHECK(world.robot("r3").ok());
  world.authorizer.denied = {"user:alice list shop/Robot"};
  CHECK(world.store().remove_listed(world.alice, labelled).error().reason == "auth.denied");
}

}  // namespace novacron::host::resource
