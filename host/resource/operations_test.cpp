// Operations as the plugin that carries one out sees them: progress, checkpoints, children, cancellation.
#include <novacron/core/v1/operation.pb.h>

#include <catch2/catch.hpp>

#include "host/resource/actions.h"
#include "host/resource/progress.h"
#include "host/resource/testing/action_world.h"

namespace novacron::host::resource {

using testing::ActionWorld;
using testing::kPatienceNs;
using testing::on_behalf;
using testing::robot_ref;

namespace {
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

template <class T>
std::string reason(const T& result) {
  return result.ok() ? "ok" : result.error().reason;
}

uint64_t soon() {
  return system_clock().monotonic_ns() + kPatienceNs;
}

/// "fetch" of r1 is under way, and held.
struct RunningWorld : ActionWorld {
  RunningWorld() {
    caller.hold();
    const auto started = run("fetch");
    REQUIRE(reason(started) == "ok");
    operation = std::get<ObjectView>(*started).ref;
    plugin = on_behalf(caller.wait_for(1)[0].context);
  }
  std::string shown() { return show(store().get(alice, operation)); }
  /// Once the operation's JSON has this.
  std::string shown_with(const std::string& part) {
    auto watch = store().watch(host, {std::string(kOperationKind), "default"});
    REQUIRE(watch.ok());
    while (true) {
      const std::string now = shown();
      if (has(now, part)) return now;
      if (!(*watch)->wait(64, soon()).ok()) FAIL("never " + part + ": " + now);
    }
  }
  Result<ObjectRef> start_child(const std::string& key, const std::string& verb = "fetch") {
    return actions->start_child(plugin, {robot_ref("r2"), verb, "", key});
  }

  ObjectRef operation;
  auth::ContextPtr plugin;
};
}  // namespace

TEST_CASE("what a plugin reports is to be seen, the last of it in any case") {
  RunningWorld world;
  for (uint32_t percent = 1; percent <= 42; ++percent) {
    const auto told = world.actions->report(*world.plugin, {.percent = percent, .step = "walk"}, soon());
    REQUIRE(reason(told) == "ok");
    CHECK_FALSE(*told);
  }
  const std::string shown = world.shown_with(R"("percent":42)");
  CHECK(has(shown, R"("step":"walk")"));
  CHECK(has(shown, "RUNNING"));
}

TEST_CASE("a report that does not fit is refused") {
  RunningWorld world;
  const auto refused = [&](const ProgressReport& report) {
    return world.actions->report(*world.plugin, report, soon()).error().message;
  };
  CHECK(refused({.percent = 101}) == "percent: is at most 100");
  CHECK(refused({.step = std::string(kMaxStepBytes + 1, 'x')}) == "step: has at most 256 bytes");
  CHECK(refused({.checkpoint = std::string(kMaxCheckpointBytes + 1, 'x')}) == "checkpoint: has at most 65536 bytes");
}

TEST_CASE("only the plugin that is called for an operation may report for it") {
  RunningWorld world;
  CHECK(reason(world.actions->report(*world.alice, {}, soon())) == "operation.none");
  const auto behind = on_behalf(world.plugin, "other");
  CHECK(reason(world.actions->report(*behind, {}, soon())) == "operation.none");
  CHECK(reason(world.actions->current(*behind)) == "operation.none");
  world.caller.answer({}, "");
  world.ended(world.operation);
  CHECK(reason(world.actions->report(*world.plugin, {}, soon())) == "operation.not-running");
}

TEST_CASE("a checkpoint is there after a restart, and gone when the operation has ended") {
  RunningWorld world;
  REQUIRE(reason(world.actions->report(*world.plugin, {.percent = 30, .checkpoint = "half"}, soon())) == "ok");
  CHECK(has(world.shown(), R"("percent":30)"));
  world.end_and_begin();
  const auto again = on_behalf(world.caller.wait_for(2)[1].context);
  const auto current = world.actions->current(*again);
  REQUIRE(reason(current) == "ok");
  CHECK(current->checkpoint == "half");
  CHECK(current->attempt == 2);
  world.caller.answer({}, "");
  CHECK_FALSE(has(world.ended(world.operation), "checkpoint"));
}

TEST_CASE("a child is an operation of its own that names its parent, once for each key") {
  RunningWorld world;
  REQUIRE(world.make_robot("r2").ok());
  const auto child = world.start_child("a");
  REQUIRE(reason(child) == "ok");
  CHECK(world.start_child("a")->name == child->name);
  CHECK(world.start_child("b")->name != child->name);
  CHECK(reason(world.start_child("a", "throw")) == "operation.key");
  const std::string shown = world.show(world.store().get(world.alice, *child));
  CHECK(has(shown, R"("parent":{"kind":"novacron.core/Operation","tenant":"default","name":")" + world.operation.name));
  CHECK(world.caller.wait_for(3).size() == 3);
  CHECK(world.caller.wait_for(3)[1].context->chain.size() == 1);
}

TEST_CASE("an operation that says no percent has that of its children, until it says one") {
  RunningWorld world;
  REQUIRE(world.make_robot("r2").ok());
  const auto first = world.start_child("a");
  REQUIRE(reason(first) == "ok");
  const auto child = on_behalf(world.caller.wait_for(2)[1].context);
  REQUIRE(reason(world.actions->report(*child, {.percent = 60}, soon())) == "ok");
  world.shown_with(R"("percent":60)");
  REQUIRE(reason(world.start_child("b")) == "ok");
  world.shown_with(R"("percent":30)");
  world.caller.wait_for(3);
  REQUIRE(world.store().patch(world.alice, *first, R"({"spec":{"cancel":true}})").ok());
  world.shown_with(R"("percent":50)");  // what has ended is done with
  REQUIRE(reason(world.start_child("a")) == "ok");
  REQUIRE(reason(world.actions->report(*world.plugin, {.percent = 5}, soon())) == "ok");
  world.shown_with(R"("percent":5)");
  REQUIRE(reason(world.start_child("c")) == "ok");
  REQUIRE(reason(world.actions->report(*world.plugin, {.step = "last"}, soon())) == "ok");
  CHECK(has(world.shown_with("last"), R"("percent":5)"));
}

TEST_CASE("after a restart the percent of the children counts those that have ended") {
  RunningWorld world;
  REQUIRE(world.make_robot("r2").ok());
  const auto first = world.start_child("a");
  REQUIRE(reason(world.start_child("b")) == "ok");
  world.caller.wait_for(3);
  REQUIRE(world.store().patch(world.alice, *first, R"({"spec":{"cancel":true}})").ok());
  world.shown_with(R"("percent":50)");
  world.end_and_begin();
  const auto calls = world.caller.wait_for(5);
  for (size_t i = 3; i < 5; ++i) {
    if (calls[i].key == world.operation.name) continue;
    REQUIRE(reason(world.actions->report(*on_behalf(calls[i].context), {.percent = 40}, soon())) == "ok");
  }
  world.shown_with(R"("percent":70)");
}

TEST_CASE("a child has the rights of the whole chain, and is refused like any action") {
  RunningWorld world;
  REQUIRE(world.make_robot("r2").ok());
  CHECK(reason(world.start_child("")) == "field.invalid");
  CHECK(reason(world.start_child("a", "look")) == "operation.verb");
  CHECK(reason(world.start_child("a", "cheer")) == "operation.verb");
  CHECK(reason(world.actions->start_child(world.plugin, {robot_ref("none"), "fetch", "", "a"})) ==
        "resource.not-found");
  CHECK(reason(world.actions->start_child(world.alice, {robot_ref("r2"), "fetch", "", "a"})) == "operation.none");
  world.authorizer.denied = {"user:alice fetch shop/Robot"};
  CHECK(reason(world.start_child("a")) == "auth.denied");
}

TEST_CASE("operations start operations only so deep") {
  RunningWorld world;
  REQUIRE(world.make_robot("r2").ok());
  auto context = world.plugin;
  for (uint32_t depth = 1; depth < 4; ++depth) {
    REQUIRE(reason(world.actions->start_child(context, {robot_ref("r2"), "fetch", "", "k"})) == "ok");
    context = on_behalf(world.caller.wait_for(depth + 1)[depth].context);
  }
  CHECK(reason(world.actions->start_child(context, {robot_ref("r2"), "fetch", "", "k"})) == "operation.depth");
}

TEST_CASE("who waits for a child hears of its end, with its reply") {
  RunningWorld world;
  REQUIRE(world.make_robot("r2").ok());
  const auto child = world.start_child("a");
  world.caller.wait_for(2);
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
  const auto hear = [&] {
    const std::lock_guard lock(mutex);
    ended = true;
    changed.notify_all();
  };
  REQUIRE(world.actions->when_ended(*world.plugin, *child, 1, hear).ok());
  CHECK(world.actions->when_ended(*on_behalf(world.alice), *child, 2, hear).error().reason == "operation.none");
  CHECK(reason(world.actions->when_ended(*world.plugin, world.operation, 3, hear)) == "operation.no-child");
  world.caller.answer({},
                      "\x0a\x03"
                      "cat");
  {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, std::chrono::nanoseconds(kPatienceNs), [&] { return ended; }));
  }
  const auto outcome = world.actions->outcome(*world.plugin, *child);
  if (outcome.ok()) {  // else the parent has ended meanwhile, which was answered too
    CHECK(outcome->succeeded());
    CHECK(outcome->reply() ==
          "\x0a\x03"
          "cat");
  }
}

TEST_CASE("after a restart a parent finds its child among those that run, and waits for it") {
  RunningWorld world;
  REQUIRE(world.make_robot("r2").ok());
  const auto child = world.start_child("a");
  world.caller.wait_for(2);
  world.end_and_begin();
  for (const auto& call : world.caller.wait_for(4)) {
    if (call.key == world.operation.name) world.plugin = on_behalf(call.context);
    if (call.key == child->name) CHECK(call.context->chain.size() == 1);
  }
  CHECK(world.start_child("a")->name == child->name);
  std::atomic<bool> ended = false;
  REQUIRE(world.actions->when_ended(*world.plugin, *child, 1, [&] { ended = true; }).ok());
  CHECK_FALSE(ended);
  CHECK(world.caller.wait_for(4).size() == 4);
  world.actions->forget_waiter(*child, 1);
}

TEST_CASE("cancelling an operation cancels its children, and it starts no more") {
  RunningWorld world;
  REQUIRE(world.make_robot("r2").ok());
  const auto child = world.start_child("a");
  const auto grandchild =
      world.actions->start_child(on_behalf(world.caller.wait_for(2)[1].context), {robot_ref("r1"), "fetch", "", "g"});
  REQUIRE(reason(grandchild) == "ok");
  world.caller.wait_for(3);
  REQUIRE(reason(world.actions->run(world.alice, {world.operation, "cancel", ""})) == "ok");
  CHECK(has(world.ended(world.operation), "CANCELLED"));
  CHECK(has(world.ended(*child), "CANCELLED"));
  CHECK(has(world.ended(*grandchild), "CANCELLED"));
  CHECK(reason(world.start_child("late")) == "operation.not-running");
}

TEST_CASE("what waits to be called never is, once it is cancelled") {
  RunningWorld world;
  world.end_and_begin();  // the first is taken up; those that follow wait behind kMaxRunningOperations
  std::vector<ObjectRef> waiting;
  for (size_t i = 0; i < kMaxRunningOperations; ++i) waiting.push_back(std::get<ObjectView>(*world.run("throw")).ref);
  world.caller.wait_for(kMaxRunningOperations + 1);
  const ObjectRef last = waiting.back();
  REQUIRE(reason(world.actions->run(world.alice, {last, "cancel", ""})) == "ok");
  world.caller.answer({}, "");
  const std::string ended = world.ended(last);
  CHECK(has(ended, "CANCELLED"));
  CHECK_FALSE(has(ended, "started_at"));
}

TEST_CASE("what has ended, and what only tells how a spec is met, cannot be cancelled") {
  RunningWorld world;
  world.caller.answer({}, "");
  world.ended(world.operation);
  CHECK(reason(world.actions->run(world.alice, {world.operation, "cancel", ""})) == "operation.ended");
  const std::string converge = world.robot("r1")->ref.uid + "-g1";
  const ObjectRef computed{std::string(kOperationKind), "default", converge};
  CHECK(reason(world.actions->run(world.alice, {computed, "cancel", ""})) == "operation.not-cancellable");
}

TEST_CASE("operations are kept by number too, and a child as long as its parent runs") {
  RunningWorld world;
  REQUIRE(world.make_robot("r2").ok());
  world.caller.answer(Error{Code::kUnavailable, "nobody", "plugin.no-provider"});
  const auto child = world.start_child("a");
  REQUIRE(reason(world.actions->run(world.alice, {*child, "cancel", ""})) == "ok");
  world.ended(*child);
  world.clock.advance_ns(kOperationLifetimeNs + 1'000'000'000);
  REQUIRE(world.store().expire().ok());
  const auto parent = world.shown();
  if (has(parent, "RUNNING")) CHECK(world.store().get(world.alice, *child).ok());
}

}  // namespace novacron::host::resource
