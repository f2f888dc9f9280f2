#include "host/plugin/broker.h"

#include <future>
#include <nlohmann/json.hpp>

#include "host/plugin/world_for_test.h"

using namespace novacron::host;
using namespace novacron::host::plugin;
using novacron::host::plugin::testing::Pipe;
using novacron::host::plugin::testing::World;

TEST_CASE("a call to a service that nobody provides is unavailable") {
  World world;
  const auto result = world.broker.call("test.a", "Run", {}, {}, world.options());
  REQUIRE(result.code() == Code::kUnavailable);
  CHECK(result.error().reason == "plugin.no-provider");
  CHECK_FALSE(world.broker.provided("test.a"));
}

TEST_CASE("a call to another node or another plugin's service is unavailable") {
  World world;
  world.enable_actor("a");
  const auto elsewhere = world.broker.call("test.a", "Run", {"", "node-2"}, {"echo x", {}}, world.options());
  CHECK(World::text_of(elsewhere) == "node.unreachable");
  const auto other = world.broker.call("test.a", "Run", {"actor-b", ""}, {"echo x", {}}, world.options());
  CHECK(World::text_of(other) == "plugin.no-provider");
  const auto exact = world.broker.call("test.a", "Run", {"actor-a", "node-1"}, {"echo x", {}}, world.options());
  CHECK(World::text_of(exact) == "x");
}

TEST_CASE("a method that the callee does not have is unimplemented, for the host and for plugins") {
  World world;
  world.enable_actor("a");
  world.enable_actor("b");
  CHECK(world.run("a", "", "Nothing") == "plugin.no-such-method");
  CHECK(world.run("a", "call b 7 echo x") == "plugin.no-such-method");
}

TEST_CASE("a plugin answers calls of every kind of method") {
  World world;
  world.enable_actor("a");
  CHECK(world.run("a", "echo queued") == "queued");
  CHECK(world.run("a", "echo fast", "RunFast") == "fast");
  CHECK(world.run("a", "echo beside", "RunBeside") == "beside");
  CHECK(world.info("actor-a").counters.calls == 3);
}

TEST_CASE("methods are found by name, whatever their order in the caller's table") {
  World world;
  world.enable_actor("a");
  world.enable_actor("b");
  CHECK(world.run("a", "call b 0 echo queued") == "queued");
  CHECK(world.run("a", "call b 1 echo fast") == "fast");
  CHECK(world.run("a", "call b 2 echo beside") == "beside");
  CHECK(world.run("a", "async b 0 echo later") == "later");
  CHECK(world.run("a", "async b 1 echo later") == "later");
}

TEST_CASE("what invoke refuses is the call's result") {
  World world;
  world.enable_actor("a");
  const auto result = world.broker.call("test.a", "Run", {}, {"fail 5", {}}, world.options());
  CHECK(result.code() == Code::kNotFound);
  CHECK(result.error().reason == "plugin.refused");
  const auto odd = world.broker.call("test.a", "Run", {}, {"fail 99", {}}, world.options());
  CHECK(odd.code() == Code::kUnknown);
  CHECK(world.info("actor-a").counters.errors == 2);
}

TEST_CASE("a call is finished once; again is refused") {
  World world;
  world.enable_actor("a");
  CHECK(world.run("a", "twice") == "first");
}

TEST_CASE("a call that is never finished ends by its deadline, and its instance is abandoned at the end") {
  World world({.drain_timeout_ms = 50});
  world.enable_actor("a");
  auto call = world.open("a", "never", "Run", 500);
  CHECK(call->wait().code() == Code::kDeadlineExceeded);
  const Status disabled = world.manager->disable("actor-a");
  CHECK(disabled.code() == Code::kDeadlineExceeded);
  CHECK(disabled.error().reason == "plugin.abandoned");
  CHECK(world.info("actor-a").state == State::kAbandoned);
  CHECK(world.info("actor-a").counters.abandoned == 1);
}

TEST_CASE("ids that are stale or were never given are answered, never followed") {
  World world;
  world.enable_actor("a");
  // wait, write, read, finish and context_info: FAILED_PRECONDITION ('J'); a call by such a route ends with it too.
  CHECK(world.run("a", "stale") == "JJJJJJJJJJJJJJJJJJ");
}

TEST_CASE("a FAST method may not wait, on whatever thread it runs") {
  World world;
  world.enable_actor("a");
  world.enable_actor("b");
  CHECK(world.run("a", "waitfast", "RunFast") == "JJJ");
}

TEST_CASE("a FAST method runs on its caller's thread while the slot is free, else in the queue") {
  World world;
  world.enable_actor("a");
  Pipe in;
  Pipe go;
  auto holder = world.open("a", "gate " + in.in() + ' ' + go.out() + " echo held");
  in.get();
  auto fast = world.open("a", "echo waited", "RunFast");
  CHECK(world.run("a", "echo beside", "RunBeside") == "beside");
  CHECK(world.info("actor-a").counters.queued == 1);
  go.put();
  CHECK(World::text_of(holder->wait()) == "held");
  CHECK(World::text_of(fast->wait()) == "waited");
}

TEST_CASE("a FAST method that overruns is counted, and queued from some time on") {
  World world;
  world.enable_actor("a");
  for (int i = 0; i < 20; ++i) CHECK(world.run("a", "spin 1", "RunFast") == "1");
  const auto overruns = world.info("actor-a").counters.fast_overruns;
  CHECK(overruns >= 8);
  CHECK(overruns < 20);
}

TEST_CASE("a full queue refuses, and counts what it refused") {
  World world;
  world.enable_actor("a");
  Pipe in;
  Pipe go;
  auto holder = world.open("a", "gate " + in.in() + ' ' + go.out() + " echo held");
  in.get();
  std::vector<std::unique_ptr<ClientCall>> queued;
  for (size_t i = 0; i < kMaxQueuedCalls; ++i) queued.push_back(world.open("a", "echo x"));
  const auto refused = world.open("a", "echo x")->wait();
  REQUIRE(refused.code() == Code::kResourceExhausted);
  CHECK(refused.error().reason == "plugin.queue-full");
  CHECK(world.info("actor-a").counters.refused == 1);
  go.put();
  for (auto& call : queued) CHECK(call->wait().ok());
}

TEST_CASE("a queued call that is cancelled ends at once; one that runs ends when its callee says so") {
  World world;
  world.enable_actor("a");
  Pipe in;
  Pipe go;
  auto running = world.open("a", "gate " + in.in() + ' ' + go.out() + " echo all the same");
  in.get();
  auto queued = world.open("a", "echo x");
  queued->cancel();
  CHECK(World::text_of(queued->wait()) == "host.cancelled");
  running->cancel();
  go.put();
  CHECK(World::text_of(running->wait()) == "all the same");
}

TEST_CASE("a call that its caller drops leaves nothing behind") {
  World world;
  world.enable_actor("a");
  Pipe in;
  Pipe go;
  {
    auto dropped = world.open("a", "gate " + in.in() + ' ' + go.out() + " echo x");
    in.get();
  }
  go.put();
  CHECK(world.run("a", "echo next") == "next");
  CHECK(world.manager->disable("actor-a").ok());
}

TEST_CASE("messages larger than 4 MiB are refused") {
  World world;
  world.enable_actor("a");
  world.enable_actor("b");
  const std::string large(kMaxMessageBytes, 'x');
  CHECK(world.run("a", "call b 0 sink " + large.substr(0, kMaxMessageBytes - 20)) == "");
  CHECK(world.broker.call("test.a", "Run", {}, {std::string(kMaxMessageBytes + 1, 'x'), {}}, world.options()).code() ==
        Code::kResourceExhausted);
}

TEST_CASE("asynchronous calls of the host get their result exactly once, refused ones too") {
  World world;
  world.enable_actor("a");
  std::promise<std::string> answered;
  std::promise<std::string> refused;
  world.broker.call_async("test.a", "Run", {}, {"echo x", {}}, world.options(),
                          [&](Result<Message> result) { answered.set_value(World::text_of(result)); });
  world.broker.call_async("test.b", "Run", {}, {"echo x", {}}, world.options(),
                          [&](Result<Message> result) { refused.set_value(World::text_of(result)); });
  CHECK(answered.get_future().get() == "x");
  CHECK(refused.get_future().get() == "plugin.no-provider");
}

TEST_CASE("a route outlives the absence and the return of its callee") {
  World world;
  world.enable_actor("a");
  CHECK(world.run("a", "call b 0 echo x") == "plugin.no-provider");
  world.enable_actor("b");
  CHECK(world.run("a", "call b 0 echo x") == "x");
  REQUIRE(world.manager->disable("actor-b").ok());
  CHECK(world.run("a", "call b 0 echo x") == "plugin.no-provider");
  REQUIRE(world.manager->enable("actor-b").ok());
  CHECK(world.run("a", "call b 0 echo x") == "x");
}

TEST_CASE("a host answers for other nodes, says which one was named, and refuses the rest") {
  World world;
  world.enable_actor("a");
  const auto where = [&](const std::string& node) {
    return World::text_of(
        world.broker.call("test.a", "Run", {.plugin = "", .node = node}, {"where", {}}, world.options()));
  };
  CHECK(where("") == "");
  CHECK(where("node-1") == "node-1");
  CHECK(where("played-1") == "played-1");
  CHECK(where("played-2") == "node.unreachable");
}

TEST_CASE("calls in the queue of a plugin that is disabled are told to try again") {
  World world;
  world.enable_actor("a");
  Pipe in;
  Pipe go;
  auto running = world.open("a", "gate " + in.in() + ' ' + go.out() + " echo drained");
  in.get();
  auto queued = world.open("a", "echo x");
  auto disabled = std::async(std::launch::async, [&] { return world.manager->disable("actor-a"); });
  CHECK(World::text_of(queued->wait()) == "plugin.stopping");
  go.put();
  CHECK(World::text_of(running->wait()) == "drained");
  CHECK(disabled.get().ok());
}

TEST_CASE("a reentrant plugin runs several calls at once") {
  World world;
  world.enable_actor("r");
  Pipe in;
  Pipe go;
  std::vector<std::unique_ptr<ClientCall>> calls;
  for (int i = 0; i < 4; ++i) calls.push_back(world.open("r", "gate " + in.in() + ' ' + go.out() + " echo x"));
  for (int i = 0; i < 4; ++i) in.get();
  go.put(4);
  for (auto& call : calls) CHECK(World::text_of(call->wait()) == "x");
}

TEST_CASE("workers that wait make room for the calls that they wait for") {
  World world;
  world.enable_actor("r");
  std::string script = "echo innermost";
  for (int i = 0; i < 40; ++i) script = "call r 0 " + script;
  CHECK(world.run("r", script) == "innermost");
}

TEST_CASE("a plugin that throws is quarantined, and its caller gets an error") {
  World world;
  world.add_package("throws", "throws", {{"services", {"test.t"}}});
  REQUIRE(world.install("throws").ok());
  REQUIRE(world.manager->enable("throws").ok());
  CHECK(world.broker.call("test.t", "Run", {}, {}, world.options()).code() == Code::kInternal);
  CHECK(world.recorder.reached("throws", "quarantined"));
  CHECK(world.info("throws").message.find("boo") != std::string::npos);
  CHECK(world.manager->enable("throws").error().reason == "plugin.quarantined");
}
