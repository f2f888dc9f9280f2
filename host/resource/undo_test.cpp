// Undo, the task log and plans, through the actions and the store.
#include <catch2/catch.hpp>

#include "host/resource/actions.h"
#include "host/resource/testing/action_world.h"

namespace novacron::host::resource {

using testing::ActionWorld;
using testing::robot_ref;

namespace {
template <class T>
std::string reason(const Result<T>& result) {
  return result.ok() ? "ok" : result.error().reason;
}

ObjectRef operation_ref(const std::string& name) {
  return {std::string(kOperationKind), "default", name};
}

struct UndoWorld : ActionWorld {
  std::string change(const std::string& verb) {
    const auto result = run(verb);
    REQUIRE(reason(result) == "ok");
    return std::get<WriteResult>(*result).operation;
  }
  Result<ActionResult> undo(const std::string& operation, WriteOptions options = {}) {
    return actions->run(alice, {operation_ref(operation), "undo", "", options});
  }
  std::string mood() { return show(robot("r1")).find("HAPPY") != std::string::npos ? "HAPPY" : "SAD"; }
};

const PlannedEffect* find(const std::vector<PlannedEffect>& effects, const std::string& action,
                          const std::string& subject) {
  for (const auto& effect : effects) {
    if (effect.action == action && effect.subject == subject) return &effect;
  }
  return nullptr;
}

WriteOptions dry() {
  WriteOptions options;
  options.effect = Effect::kDryRun;
  return options;
}
}  // namespace

TEST_CASE("a change is taken back once, by the verb that the contract names") {
  UndoWorld world;
  const std::string done = world.change("sadden");
  REQUIRE(reason(world.undo(done, dry())) == "ok");
  CHECK(world.mood() == "SAD");
  REQUIRE(reason(world.undo(done)) == "ok");
  CHECK(world.mood() == "HAPPY");
  CHECK(reason(world.undo(done)) == "operation.undone");
}

TEST_CASE("taking back what was taken back is a change like any other") {
  UndoWorld world;
  const auto undone = world.undo(world.change("sadden"));
  REQUIRE(reason(undone) == "ok");
  REQUIRE(reason(world.undo(std::get<WriteResult>(*undone).operation)) == "ok");
  CHECK(world.mood() == "SAD");
}

TEST_CASE("nothing is taken back when the object has changed since") {
  UndoWorld world;
  const std::string done = world.change("sadden");
  REQUIRE(world.patch_robot("r1", R"({"spec":{"arms":3}})").ok());
  CHECK(reason(world.undo(done)) == "operation.target-changed");
  const std::string uid = world.robot("r1")->ref.uid;
  CHECK(reason(world.undo(uid + "-g3")) == "operation.no-undo");
  CHECK(reason(world.undo(uid + "-g9")) == "resource.not-found");
  CHECK(reason(world.undo("no-such-operation")) == "resource.not-found");
}

TEST_CASE("a name that claims another verb takes back what was really done, or nothing") {
  UndoWorld world;
  const std::string uid = world.robot("r1")->ref.uid;
  REQUIRE(world.patch_robot("r1", R"({"spec":{"arms":3}})").ok());
  CHECK(reason(world.undo(uid + "-g2-sadden")) == "operation.no-undo");
}

TEST_CASE("an undo needs the right of the verb that takes back") {
  UndoWorld world;
  const std::string done = world.change("sadden");
  world.authorizer.denied = {"user:alice cheer shop/Robot"};
  CHECK(reason(world.undo(done)) == "auth.denied");
  CHECK(world.mood() == "SAD");
}

TEST_CASE("an action is taken back by another, once and only when it has succeeded") {
  UndoWorld world;
  world.caller.answer({}, "");
  const auto fetched = std::get<ObjectView>(*world.run("fetch")).ref;
  world.ended(fetched);
  const auto undone = world.undo(fetched.name);
  REQUIRE(reason(undone) == "ok");
  const auto& by = std::get<ObjectView>(*undone);
  CHECK(to_json(by)->find(R"("undoes":")" + fetched.name) != std::string::npos);
  CHECK(world.caller.wait_for(2)[1].method == "shop.v1.RobotActions/Throw");
  CHECK(world.ended(fetched).find(R"("undone_by":")" + by.ref.name) != std::string::npos);
  CHECK(reason(world.undo(fetched.name)) == "operation.undone");
  world.ended(by.ref);
  CHECK(reason(world.undo(by.ref.name)) == "operation.no-undo");

  world.caller.answer(Error{Code::kFailedPrecondition, "it is asleep", "shop.asleep"});
  const auto failed = std::get<ObjectView>(*world.run("fetch")).ref;
  world.ended(failed);
  CHECK(reason(world.undo(failed.name)) == "operation.not-succeeded");
}

TEST_CASE("the task log has each change with who, when and the command, the newest first") {
  UndoWorld world;
  world.change("sadden");
  REQUIRE(world.set_status("r1", R"({"phase":"IDLE"})").ok());
  world.caller.answer({}, "");
  const auto fetched = std::get<ObjectView>(*world.run("fetch", R"({"thing":"a cat"})")).ref;
  world.ended(fetched);
  TaskQuery query;
  query.object = robot_ref("r1");
  const auto page = world.store().tasks(world.alice, query);
  REQUIRE(reason(page) == "ok");
  std::vector<std::string> told;
  for (const auto& task : page->tasks) told.push_back(task.verb + " " + task.outcome + " " + task.command);
  CHECK(told == std::vector<std::string>{"fetch SUCCEEDED novacron rb fetch r1 --thing 'a cat'",
                                         "fetch STARTED novacron rb fetch r1 --thing 'a cat'",
                                         "sadden DONE novacron rb sadden r1",
                                         "create DONE novacron rb create r1 --arms 2 --memory-bytes 1MiB --mood HAPPY "
                                         "--model mk1"});
  CHECK(page->tasks[0].principal == "user:alice");
  CHECK(page->tasks[0].operation == fetched.name);
  query.limit = 3;
  const auto first = world.store().tasks(world.alice, query);
  query.page_token = first->next_token;
  CHECK(world.store().tasks(world.alice, query)->tasks.at(0).verb == "create");
  query.page_token = "x";
  CHECK(reason(world.store().tasks(world.alice, query)) == "resource.page-token");
}

TEST_CASE("what was refused is noted apart, in bounds, and secrets are nowhere") {
  UndoWorld world;
  for (int i = 0; i < 3; ++i) {
    world.store().note_refusal(*world.alice, "cheer", robot_ref("r1"), {Code::kPermissionDenied, "no", "auth.denied"});
  }
  REQUIRE(world.make_robot("s1", R"({"password":"hunter2"})").ok());
  REQUIRE(world.patch_robot("s1", R"({"spec":{"password":"hunter3","arms":1}})").ok());
  TaskQuery query;
  const auto page = world.store().tasks(world.alice, query);
  REQUIRE(reason(page) == "ok");
  for (const auto& task : page->tasks) {
    CHECK(task.command.find("hunter") == std::string::npos);
    CHECK(task.outcome != "REFUSED");
  }
  query.outcome = "REFUSED";
  CHECK(world.store().tasks(world.alice, query)->tasks.size() == 3);
  world.authorizer.denied = {"user:alice list novacron.core/Task"};
  CHECK(reason(world.store().tasks(world.alice, query)) == "auth.denied");
}

TEST_CASE("who may use one tenant alone sees the log of that one") {
  UndoWorld world;
  const auto bob = testing::user("user:bob", "default");
  const auto page = world.store().tasks(bob, {});
  REQUIRE(reason(page) == "ok");
  CHECK_FALSE(page->tasks.empty());
  for (const auto& task : page->tasks) CHECK(task.object.tenant == "default");
}

TEST_CASE("a long task log comes in pages that leave nothing out, however dense it is") {
  UndoWorld world;
  constexpr size_t kChanges = 1'300;  // more than are read at once
  for (size_t i = 0; i < kChanges; ++i) {
    if (i % 100 == 0) world.clock.advance_ns(i % 200 == 0 ? 1'000 : 3'600'000'000'000);
    REQUIRE(world.run(i % 2 == 0 ? "sadden" : "cheer").ok());
  }
  TaskQuery query;
  query.object = robot_ref("r1");
  query.limit = 400;
  size_t seen = 0;
  do {
    const auto page = world.store().tasks(world.alice, query);
    REQUIRE(reason(page) == "ok");
    for (const auto& task : page->tasks) seen += task.verb == "create" ? 0 : 1;
    query.page_token = page->next_token;
  } while (!query.page_token.empty());
  CHECK(seen == kChanges);
}

TEST_CASE("the task log is kept by age") {
  UndoWorld world;
  world.clock.advance_ns(kAuditLifetimeNs + 1'000'000'000);
  world.change("sadden");
  REQUIRE(world.store().expire().ok());
  TaskQuery query;
  query.object = robot_ref("r1");
  const auto page = world.store().tasks(world.alice, query);
  REQUIRE(page->tasks.size() == 1);
  CHECK(page->tasks[0].verb == "sadden");
}

TEST_CASE("a plan of a deletion has what goes with the object, what stays, and what it waits for") {
  UndoWorld world;
  REQUIRE(world.make_robot("led", R"({"leader":"r1"})").ok());
  REQUIRE(world.make_robot("led-by-led", R"({"leader":"led"})").ok());
  REQUIRE(world.make_robot("friend", R"({"friends":["r1"]})").ok());
  REQUIRE(world.store().update_finalizers(world.host, robot_ref("r1"), {"shop/park"}, {}).ok());
  const auto planned = world.store().remove(world.alice, robot_ref("r1"), dry());
  REQUIRE(reason(planned) == "ok");
  const auto& effects = planned->effects;
  CHECK(find(effects, "mark-deleted", "shop/Robot/r1"));
  CHECK(find(effects, "delete", "shop/Robot/led"));
  CHECK(find(effects, "delete", "shop/Robot/led-by-led"));
  CHECK(find(effects, "orphan", "shop/Robot/friend"));
  REQUIRE(find(effects, "wait", "shop/Robot/r1"));
  CHECK(find(effects, "wait", "shop/Robot/r1")->text.find("shop/park") != std::string::npos);
  CHECK(world.robot("led").ok());
}

TEST_CASE("a plan of a change has the paths that change, the references, and the plugins that watch") {
  UndoWorld world;
  REQUIRE(world.make_station("s1").ok());
  const auto plugin = testing::on_behalf(world.alice, "shop");
  auto watch = world.store().watch(plugin, {"shop/Robot"});
  REQUIRE(watch.ok());
  const auto planned =
      world.store().patch(world.alice, robot_ref("r1"), R"({"spec":{"arms":4,"station":"s1"}})", dry());
  REQUIRE(reason(planned) == "ok");
  REQUIRE(find(planned->effects, "update", "shop/Robot/r1"));
  CHECK(find(planned->effects, "update", "shop/Robot/r1")->text == "changes spec.arms, spec.station");
  CHECK(find(planned->effects, "use", "shop/Station/s1"));
  CHECK(find(planned->effects, "notify", "plugin shop"));
  watch->reset();
  const auto later = world.store().patch(world.alice, robot_ref("r1"), R"({"spec":{"arms":4}})", dry());
  CHECK_FALSE(find(later->effects, "notify", "plugin shop"));
  CHECK(world.store().patch(world.alice, robot_ref("r1"), R"({"spec":{"arms":4}})")->effects.empty());
}

}  // namespace novacron::host::resource
