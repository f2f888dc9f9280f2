#include <novacron/core/v1/resource.pb.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "host/resource/testing/world.h"

namespace novacron::host::resource {

using nlohmann::json;
using testing::robot_ref;
using testing::World;

namespace {
struct ApplyWorld : World {
  Result<WriteResult> apply(const std::string& manager, const std::string& text,
                            Conflicts conflicts = Conflicts::kRefuse, Effect effect = Effect::kCommit) {
    WriteOptions options;
    options.effect = effect;
    return store().apply(alice, robot_ref("r1"), manager, text, conflicts, options);
  }
  json spec() { return json::parse(show(robot("r1")))["spec"]; }
  json labels() { return json::parse(show(robot("r1")))["metadata"].value("labels", json::object()); }
  /// The paths that each manager decides.
  std::map<std::string, std::vector<std::string>> managers() {
    core::v1::Metadata metadata;
    REQUIRE(metadata.ParseFromString(robot("r1")->metadata));
    std::map<std::string, std::vector<std::string>> found;
    for (const auto& entry : metadata.managed_fields())
      found[entry.name()] = {entry.paths().begin(), entry.paths().end()};
    return found;
  }
};

std::string reason(const Result<WriteResult>& result) {
  return result.ok() ? "ok" : result.error().reason;
}
}  // namespace

TEST_CASE("what is applied first is made, and whoever applied it decides what was given, not the defaults") {
  ApplyWorld world;
  const auto made = world.apply("deploy", R"({"metadata":{"labels":{"app":"web"}},"spec":{"arms":3}})");
  REQUIRE(reason(made) == "ok");
  CHECK(made->created);
  CHECK(world.spec()["model"] == "mk1");
  CHECK(world.managers() ==
        std::map<std::string, std::vector<std::string>>{{"deploy", {R"(metadata.labels["app"])", "spec.arms"}}});
}

TEST_CASE("applied again the same changes nothing") {
  ApplyWorld world;
  const std::string text = R"({"metadata":{"labels":{"app":"web"}},"spec":{"arms":3,"memory_bytes":"2MiB"}})";
  REQUIRE(world.apply("deploy", text).ok());
  world.clock.advance_ns(1'000'000'000);
  const auto again = world.apply("deploy", text);
  CHECK(reason(again) == "ok");
  CHECK_FALSE(again->changed);
  CHECK_FALSE(again->created);
}

TEST_CASE("what is no longer applied goes, and gets its default back") {
  ApplyWorld world;
  REQUIRE(world
              .apply("deploy", R"({"metadata":{"labels":{"app":"web","tier":"a"}},
      "spec":{"arms":3,"tools":[{"name":"saw","size_bytes":5},{"name":"axe"}]}})")
              .ok());
  REQUIRE(world.apply("deploy", R"({"metadata":{"labels":{"app":"web"}},"spec":{"tools":[{"name":"axe"}]}})").ok());
  CHECK(world.labels() == json{{"app", "web"}});
  CHECK(world.spec()["arms"] == 2);
  CHECK(world.spec()["tools"] == json::parse(R"([{"name":"axe"}])"));
}

TEST_CASE("a field that another manager decides is a conflict that names both") {
  ApplyWorld world;
  REQUIRE(world.apply("deploy", R"({"spec":{"arms":3,"mood":"SAD"}})").ok());
  const auto refused = world.apply("tuner", R"({"spec":{"arms":4,"mood":"HAPPY","speed_millis":500}})");
  CHECK(reason(refused) == "apply.conflict");
  CHECK(refused.code() == Code::kAborted);
  REQUIRE(refused.error().fields.size() == 2);
  CHECK(refused.error().fields[0].path == "spec.arms");
  CHECK(refused.error().fields[0].message.starts_with("is decided by deploy"));
  CHECK(refused.error().fields[1].path == "spec.mood");
  CHECK(world.spec()["arms"] == 3);
}

TEST_CASE("the same value may be decided by several, and stays until the last lets go of it") {
  ApplyWorld world;
  REQUIRE(world.apply("deploy", R"({"spec":{"arms":3}})").ok());
  REQUIRE(world.apply("tuner", R"({"spec":{"arms":3,"speed_millis":500}})").ok());
  CHECK(reason(world.apply("deploy", R"({"spec":{"arms":4}})")) == "apply.conflict");
  REQUIRE(world.apply("deploy", R"({"spec":{}})").ok());
  CHECK(world.spec()["arms"] == 3);
  REQUIRE(world.apply("tuner", R"({"spec":{"speed_millis":500}})").ok());
  CHECK(world.spec()["arms"] == 2);
}

TEST_CASE("force takes a field over, and the one before no longer decides it") {
  ApplyWorld world;
  REQUIRE(world.apply("deploy", R"({"spec":{"arms":3,"mood":"SAD"}})").ok());
  REQUIRE(world.apply("tuner", R"({"spec":{"arms":4}})", Conflicts::kTakeOver).ok());
  CHECK(world.spec()["arms"] == 4);
  CHECK(world.managers() ==
        std::map<std::string, std::vector<std::string>>{{"deploy", {"spec.mood"}}, {"tuner", {"spec.arms"}}});
  CHECK(reason(world.apply("deploy", R"({"spec":{"arms":3,"mood":"SAD"}})")) == "apply.conflict");
}

TEST_CASE("who changes an applied object by hand decides what was changed") {
  ApplyWorld world;
  REQUIRE(world.apply("deploy", R"({"spec":{"arms":3,"mood":"SAD"}})").ok());
  REQUIRE(world.patch_robot("r1", R"({"spec":{"arms":5},"metadata":{"labels":{"a":"b"}}})").ok());
  CHECK(world.managers()["user:alice"] == std::vector<std::string>{R"(metadata.labels["a"])", "spec.arms"});
  CHECK(world.managers()["deploy"] == std::vector<std::string>{"spec.mood"});
  const auto refused = world.apply("deploy", R"({"spec":{"arms":3,"mood":"SAD"}})");
  CHECK(reason(refused) == "apply.conflict");
  CHECK(refused.error().message.find("user:alice") != std::string::npos);
  REQUIRE(world.apply("deploy", R"({"spec":{"mood":"SAD"}})").ok());
  CHECK(world.spec()["arms"] == 5);
  CHECK(world.labels() == json{{"a", "b"}});
  REQUIRE(world.store().replace(world.alice, robot_ref("r1"), Body::json(R"({"spec":{"arms":5}})")).ok());
  CHECK(world.managers() ==
        std::map<std::string, std::vector<std::string>>{{"user:alice", {"spec.arms", "spec.mood"}}});
}

TEST_CASE("the first apply of an object takes its fields over, and leaves the others as they are") {
  ApplyWorld world;
  REQUIRE(world
              .make_robot("r1", R"({"arms":3,"mood":"SAD","tools":[{"name":"saw","size_bytes":5},{"name":"axe"}]})",
                          R"("labels":{"a":"b"})")
              .ok());
  REQUIRE(world.apply("deploy", R"({"spec":{"arms":4,"tools":[{"name":"saw"}]}})").ok());
  CHECK(world.spec()["arms"] == 4);
  REQUIRE(world.apply("deploy", R"({"spec":{}})").ok());
  CHECK(world.spec()["arms"] == 2);
  CHECK(world.spec()["mood"] == "SAD");
  CHECK(world.spec()["tools"] == json::parse(R"([{"name":"axe"}])"));
  CHECK(world.labels() == json{{"a", "b"}});
}

TEST_CASE("an untracked object stays without managers, whatever a body claims") {
  ApplyWorld world;
  REQUIRE(world.make_robot("r1", "{}", R"("managed_fields":[{"name":"x","paths":["spec.arms"]}])").ok());
  REQUIRE(world.patch_robot("r1", R"({"spec":{"arms":5}})").ok());
  CHECK(world.managers().empty());
}

TEST_CASE("an applied secret is kept by its mask and never lost") {
  ApplyWorld world;
  REQUIRE(world.apply("deploy", R"({"spec":{"password":"x","keys":{"a":"y"}}})").ok());
  const auto masked = world.apply("deploy", R"({"spec":{"password":"********","keys":{"a":"********"}}})");
  REQUIRE(reason(masked) == "ok");
  CHECK_FALSE(masked->changed);
  CHECK(reason(world.apply("other", R"({"spec":{"keys":{"b":"********"}}})")) == "field.invalid");
}

TEST_CASE("an apply is checked as every write is") {
  ApplyWorld world;
  CHECK(reason(world.apply("", "{}")) == "apply.manager");
  CHECK(reason(world.apply("user:alice", "{}")) == "apply.manager");
  CHECK(reason(world.apply("nobody", "{}")) == "apply.manager");
  CHECK(reason(world.apply("deploy", R"({"spec":{"arms":9}})")) == "field.invalid");
  CHECK(reason(world.apply("deploy", R"({"metadata":{"name":"r2"}})")) == "field.invalid");
  const auto tried = world.apply("deploy", R"({"spec":{"arms":3}})", Conflicts::kRefuse, Effect::kDryRun);
  REQUIRE(reason(tried) == "ok");
  CHECK(tried->created);
  CHECK(world.show(world.robot("r1")) == "resource.not-found");
  world.authorizer.denied = {"user:alice create shop/Robot"};
  CHECK(reason(world.apply("deploy", "{}")) == "auth.denied");
  world.authorizer.denied = {"user:alice update shop/Robot"};
  REQUIRE(reason(world.apply("deploy", "{}")) == "ok");
  CHECK(reason(world.apply("deploy", "{}")) == "auth.denied");
}

TEST_CASE("an object has a bounded number of managers") {
  ApplyWorld world;
  for (int i = 0; i < 16; ++i)
    REQUIRE(world.apply("m" + std::to_string(i), R"({"metadata":{"labels":{"a":"b"}}})").ok());
  CHECK(reason(world.apply("m16", R"({"metadata":{"labels":{"a":"b"}}})")) == "apply.managers");
}

}  // namespace novacron::host::resource
