// What of a write and of an operation is in the trace of who asked.
#include <catch2/catch.hpp>

#include "host/base/timer_queue.h"
#include "host/resource/actions.h"
#include "host/resource/testing/action_world.h"
#include "host/trace/scope.h"
#include "host/trace/testing.h"

namespace novacron::host::resource {

using testing::robot_ref;
using testing::World;
using trace::testing::Recording;

namespace {

/// A provider that answers everything at once, and what it was called for.
class Provider final : public plugin::Caller {
 public:
  Result<plugin::Message> call(std::string_view, std::string_view, const plugin::Target&, plugin::Message,
                               const plugin::CallOptions&) override {
    return plugin::Message{};
  }
  std::unique_ptr<plugin::ClientCall> open(std::string_view, std::string_view, const plugin::Target&, plugin::Message,
                                           const plugin::CallOptions&) override {
    const trace::Part part("the call");
    return std::make_unique<Done>();
  }
  void call_async(std::string_view, std::string_view, const plugin::Target&, plugin::Message,
                  const plugin::CallOptions&, std::function<void(Result<plugin::Message>)>) override {
    FAIL("nobody calls this");
  }

 private:
  class Done final : public plugin::ClientCall {
    Result<plugin::Message> read() override { return Error{Code::kOutOfRange, "no stream"}; }
    Status write(plugin::Message) override { return Error{Code::kUnimplemented, "no stream"}; }
    void finish_writing() override {}
    void cancel() override {}
    Result<plugin::Message> wait() override { return plugin::Message{}; }
  };
};

}  // namespace

TEST_CASE("a write's transaction is a part of the request's trace; without one nothing is recorded") {
  Recording recording;
  World world;
  REQUIRE(world.make_robot("before").ok());
  CHECK(recording.spans().empty());
  {
    const trace::Scope scope(&recording.tracer, {}, "the", "request");
    REQUIRE(world.make_robot("r1").ok());
  }
  const auto request = recording.only("the request");
  const auto transaction = recording.only("state transaction");
  CHECK(transaction.parent == request.context.span);
  CHECK_FALSE(transaction.failed);
}

TEST_CASE("an operation and its call are parts of the trace of who started it, whichever thread they run on") {
  Recording recording;
  World world;
  Provider provider;
  WorkerPool pool{WorkerPool::Options{}};
  TimerQueue timers{system_clock()};
  Actions actions(world.store(), provider, pool, timers);
  REQUIRE(actions.start().ok());
  REQUIRE(world.make_robot("r1").ok());
  {
    const trace::Scope scope(&recording.tracer, {}, "the", "request");
    REQUIRE(actions.run(world.alice, {robot_ref("r1"), "fetch", "", {}}).ok());
  }
  const auto operation = recording.wait_for("operation");
  CHECK(operation.parent == recording.wait_for("the request").context.span);
  CHECK(recording.only("the call").parent == operation.context.span);
}

TEST_CASE("an operation that is taken up again goes on in the trace of who started it") {
  Recording recording;
  testing::ActionWorld world;
  world.caller.hold();
  {
    const trace::Scope scope(&recording.tracer, {}, "the", "request");
    REQUIRE(world.run("fetch").ok());
  }
  const auto request = recording.wait_for("the request");
  world.caller.wait_for(1);
  world.actions.reset();
  world.restart();
  REQUIRE(recording.count("operation") == 1);
  world.actions = std::make_unique<Actions>(world.store(), world.caller, world.pool, world.timers, &recording.tracer);
  REQUIRE(world.actions->start().ok());
  world.caller.wait_for(2);
  world.actions.reset();
  REQUIRE(recording.count("operation") == 2);
  for (const auto& span : recording.spans()) {
    if (span.name != "operation") continue;
    CHECK(span.parent == request.context.span);
    CHECK(span.context.trace == request.context.trace);
  }
}

}  // namespace novacron::host::resource
