#include "host/resource/actions.h"

#include <catch2/catch.hpp>

#include "host/resource/runner.h"
#include "host/resource/testing/action_world.h"

namespace novacron::host::resource {

using testing::ActionWorld;
using testing::robot_ref;

namespace {
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

template <class T>
std::string reason(const Result<T>& result) {
  return result.ok() ? "ok" : result.error().reason;
}
}  // namespace

TEST_CASE("a patch verb changes the spec under its own right") {
  ActionWorld world;
  world.authorizer.denied = {"user:alice update shop/Robot"};
  const auto result = world.run("sadden");
  REQUIRE(reason(result) == "ok");
  const auto& written = std::get<WriteResult>(*result);
  CHECK(written.object.generation == 2);
  CHECK(written.operation.ends_with("-g2-sadden"));
  const ObjectRef operation{std::string(kOperationKind), "default", written.operation};
  CHECK(has(world.show(world.store().get(world.alice, operation)), "RUNNING"));
  REQUIRE(world.set_status("r1", R"({"phase":"IDLE","observed_generation":2})").ok());
  CHECK(has(world.show(world.store().get(world.alice, operation)), "SUCCEEDED"));
  world.authorizer.denied = {"user:alice cheer shop/Robot"};
  CHECK(reason(world.run("cheer")) == "auth.denied");
}

TEST_CASE("a read-only action is answered at once, with the object filled in") {
  ActionWorld world;
  world.caller.answer({},
                      "\x0a\x03"
                      "cat");
  const auto result = world.run("look", R"({"thing":"x"})");
  REQUIRE(reason(result) == "ok");
  CHECK(std::get<ActionReply>(*result).json == R"({"found":"cat"})");
  const auto seen = world.caller.wait_for(1);
  CHECK(seen[0].method == "shop.v1.RobotActions/Look");
  CHECK(seen[0].principal == "user:alice");
  CHECK(has(seen[0].body, "shop/Robot"));
  CHECK(has(seen[0].body, world.robot("r1")->ref.uid));
}

TEST_CASE("an action that cannot be is refused before anybody is called") {
  ActionWorld world;
  CHECK(reason(world.run("fly")) == "resource.unknown-verb");
  CHECK(world.run("look", R"({"object":{"name":"r2"}})").error().message == "object: is filled in by the host");
  CHECK(world.run("look", R"({"thin":"x"})").error().message == "thin: unknown field; did you mean thing?");
  CHECK(reason(world.actions->run(world.alice, {robot_ref("none"), "look", ""})) == "resource.not-found");
  world.authorizer.denied = {"user:alice fetch shop/Robot"};
  CHECK(reason(world.run("fetch")) == "auth.denied");
}

TEST_CASE("a dry run of an action checks all of it and shows the operation, but calls nobody") {
  ActionWorld world;
  WriteOptions dry;
  dry.effect = Effect::kDryRun;
  CHECK(reason(world.run("fetch", R"({"thin":"x"})", dry)) == "field.invalid");
  dry.if_match = "x-1";
  CHECK(reason(world.run("fetch", "", dry)) == "resource.conflict");
  dry.if_match.clear();
  const auto tried = world.run("fetch", R"({"thing":"cat"})", dry);
  REQUIRE(reason(tried) == "ok");
  const auto& operation = std::get<WriteResult>(*tried).object;
  CHECK(operation.revision == 0);
  CHECK(has(to_json(operation).value(), R"("method":"shop.v1.RobotActions/Fetch")"));
  CHECK(reason(world.run("sadden", "", dry)) == "ok");
  CHECK(world.robot("r1")->generation == 1);
  CHECK(reason(world.store().get(world.host, operation.ref)) == "resource.not-found");
  world.authorizer.denied = {"user:alice fetch shop/Robot"};
  CHECK(reason(world.run("fetch", "", dry)) == "auth.denied");
  world.caller.answer({}, "");
  world.authorizer.denied.clear();
  REQUIRE(reason(world.run("look", "", dry)) == "ok");
  CHECK(world.caller.wait_for(1).size() == 1);  // of "look": it reads, as it would have done
}

TEST_CASE("a mutating action becomes an operation that ends with its result") {
  ActionWorld world;
  world.caller.answer({},
                      "\x0a\x03"
                      "cat");
  const auto result = world.run("fetch", R"({"thing":"cat"})");
  REQUIRE(reason(result) == "ok");
  const auto& operation = std::get<ObjectView>(*result);
  const std::string ended = world.ended(operation.ref);
  CHECK(has(ended, "SUCCEEDED"));
  CHECK(has(ended, R"("reply":{"found":"cat"})"));
  const auto seen = world.caller.wait_for(1);
  CHECK(seen[0].key == operation.ref.name);
  CHECK(seen[0].principal == "user:alice");
}

TEST_CASE("an idempotent operation whose plugin dies under it is called again, and counts the attempts") {
  ActionWorld world;
  world.caller.answer_first(
      {{Code::kUnavailable, "it is gone", "plugin.died"}, {Code::kUnavailable, "nobody", "plugin.no-provider"}});
  const auto result = world.run("fetch");
  REQUIRE(reason(result) == "ok");
  const std::string ended = world.ended(std::get<ObjectView>(*result).ref);
  CHECK(has(ended, "SUCCEEDED"));
  CHECK(has(ended, R"("attempts":2)"));
  const auto seen = world.caller.wait_for(3);
  CHECK(seen[0].key == seen[2].key);
}

TEST_CASE("an operation that may not be repeated fails when its plugin dies under it") {
  ActionWorld world;
  world.caller.answer(Error{Code::kUnavailable, "it is gone", "plugin.died"});
  const auto result = world.run("throw");
  REQUIRE(reason(result) == "ok");
  const std::string ended = world.ended(std::get<ObjectView>(*result).ref);
  CHECK(has(ended, "FAILED"));
  CHECK(has(ended, "plugin.died"));
}

TEST_CASE("an operation whose plugin dies of it every time is given up") {
  ActionWorld world;
  world.caller.answer(Error{Code::kUnavailable, "it is gone", "plugin.died"});
  const auto result = world.run("fetch");
  REQUIRE(reason(result) == "ok");
  const std::string ended = world.ended(std::get<ObjectView>(*result).ref);
  CHECK(has(ended, "FAILED"));
  CHECK(has(ended, "plugin.died"));
  CHECK(world.caller.wait_for(1).size() == kMaxDeathsOfOperation + 1);
}

TEST_CASE("an operation whose method fails says why") {
  ActionWorld world;
  world.caller.answer(Error{Code::kFailedPrecondition, "it is asleep", "shop.asleep"});
  const auto result = world.run("throw");
  const std::string ended = world.ended(std::get<ObjectView>(*result).ref);
  CHECK(has(ended, "FAILED"));
  CHECK(has(ended, "shop.asleep"));
  CHECK(has(ended, "it is asleep"));
}

TEST_CASE("an operation waits for a provider that is not there yet") {
  ActionWorld world;
  world.caller.answer(Error{Code::kUnavailable, "nobody", "plugin.no-provider"});
  const auto result = world.run("fetch");
  world.caller.wait_for(1);
  world.caller.answer({}, "");
  CHECK(has(world.ended(std::get<ObjectView>(*result).ref), "SUCCEEDED"));
}

TEST_CASE("an idempotent operation is taken up after a restart, with its id as key") {
  ActionWorld world;
  world.caller.hold();
  const auto result = world.run("fetch", R"({"thing":"cat"})");
  const auto ref = std::get<ObjectView>(*result).ref;
  const auto first = world.caller.wait_for(1);
  world.end_and_begin();
  const auto both = world.caller.wait_for(2);
  CHECK(both[1].key == ref.name);
  CHECK(both[1].body == first[0].body);
  CHECK(both[1].principal == "user:alice");
  world.caller.answer({}, "");
  CHECK(has(world.ended(ref), "SUCCEEDED"));
  world.end_and_begin();
  CHECK(world.caller.wait_for(2).size() == 2);
}

TEST_CASE("an operation that must not be repeated is failed after a restart") {
  ActionWorld world;
  world.caller.hold();
  const auto result = world.run("throw");
  world.caller.wait_for(1);
  world.end_and_begin();
  const std::string ended = world.ended(std::get<ObjectView>(*result).ref);
  CHECK(has(ended, "FAILED"));
  CHECK(has(ended, "operation.interrupted"));
  CHECK(world.caller.wait_for(1).size() == 1);
}

TEST_CASE("an operation stops when somebody asks") {
  ActionWorld world;
  world.caller.hold();
  const auto result = world.run("throw");
  const auto ref = std::get<ObjectView>(*result).ref;
  world.caller.wait_for(1);
  REQUIRE(world.store().patch(world.alice, ref, R"({"spec":{"cancel":true}})").ok());
  CHECK(has(world.ended(ref), "CANCELLED"));
}

TEST_CASE("an action with an Idempotency-Key is called once") {
  ActionWorld world;
  world.caller.answer({}, "");
  WriteOptions options;
  options.idempotency = Idempotency{"k", "POST", "/robots/r1:throw", ""};
  const auto first = world.run("throw", "", options);
  REQUIRE(reason(first) == "ok");
  const auto ref = std::get<ObjectView>(*first).ref;
  world.ended(ref);
  const auto again = world.run("throw", "", options);
  REQUIRE(reason(again) == "ok");
  CHECK(std::get<ObjectView>(*again).ref.name == ref.name);
  CHECK(world.caller.wait_for(1).size() == 1);
}

TEST_CASE("operations that ended long ago are forgotten") {
  ActionWorld world;
  world.caller.answer({}, "");
  const auto result = world.run("throw");
  const auto ref = std::get<ObjectView>(*result).ref;
  world.ended(ref);
  REQUIRE(world.store().expire().ok());
  CHECK(world.store().get(world.alice, ref).ok());
  world.clock.advance_ns(kOperationLifetimeNs + 1'000'000'000);
  REQUIRE(world.store().expire().ok());
  CHECK(world.store().get(world.alice, ref).error().reason == "resource.not-found");
}

}  // namespace novacron::host::resource
