// Circles of waiting end with ABORTED, never with a hang: every wait here would otherwise last the default 30 s.
#include "host/plugin/world_for_test.h"

using namespace novacron::host;
using namespace novacron::host::plugin;
using novacron::host::plugin::testing::Pipe;
using novacron::host::plugin::testing::World;

namespace {

struct Gate {
  Pipe in;
  Pipe go;
  std::string then(const std::string& script) const { return "gate " + in.in() + ' ' + go.out() + ' ' + script; }
};

}  // namespace

TEST_CASE("two plugins that call each other from two roots: one call is aborted, the other goes on") {
  World world;
  world.enable_actor("a");
  world.enable_actor("b");
  Gate gate;
  auto first = world.open("a", gate.then("call b 0 echo from a"));
  auto second = world.open("b", gate.then("call a 0 echo from b"));
  gate.in.get();
  gate.in.get();  // each holds its slot now
  gate.go.put(2);
  std::vector<Result<Message>> results;
  results.push_back(first->wait());
  results.push_back(second->wait());
  const bool first_aborted = results[0].code() == Code::kAborted;
  const auto& aborted = first_aborted ? results[0] : results[1];
  const auto& other = first_aborted ? results[1] : results[0];
  CHECK(World::text_of(aborted) == "host.deadlock");
  CHECK(World::text_of(other) == (first_aborted ? "from b" : "from a"));
}

TEST_CASE("a plugin that calls itself through another: the innermost call is aborted") {
  World world;
  world.enable_actor("a");
  world.enable_actor("b");
  CHECK(world.run("a", "call b 0 call a 0 echo x") == "host.deadlock");
  CHECK(world.run("a", "call a 0 echo x") == "host.deadlock");
}

TEST_CASE("a circle of three plugins is found") {
  World world;
  for (const char* letter : {"a", "b", "c"}) world.enable_actor(letter);
  CHECK(world.run("a", "call b 0 call c 0 call a 0 echo x") == "host.deadlock");
  CHECK(world.run("a", "call b 0 call c 0 echo fine") == "fine");
}

TEST_CASE("a circle through a completion is found") {
  World world;
  world.enable_actor("a");
  world.enable_actor("b");
  // a waits for b; b has returned and answers when its own call of a is done; that one needs a's slot.
  CHECK(world.run("a", "call b 0 async a 0 echo x") == "host.deadlock");
}

TEST_CASE("a call that nobody's answer depends on is no circle") {
  World world;
  world.enable_actor("a");
  world.enable_actor("b");
  CHECK(world.run("a", "call b 0 notify a 0 echo x") == "0");
}

TEST_CASE("a circle through an event's callback is found") {
  Pipe code;
  World world;
  world.enable_actor("a");
  world.enable_actor("b");
  Gate gate;
  // b's callback holds b's slot and waits for a; a waits for b's answer, which needs b's slot.
  REQUIRE(world.run("b", "on test.circle " + code.in() + " call a 0 " + gate.then("call b 0 echo x")) == "1");
  REQUIRE(world.run("a", "publish test.circle") == "0");
  gate.in.get();
  gate.go.put();
  CHECK(code.get() == NC_ABORTED);
}

TEST_CASE("a circle through a plugin that is reentrant is found") {
  World world;
  world.enable_actor("a");
  world.enable_actor("r");
  CHECK(world.run("a", "call r 0 call a 0 echo x") == "host.deadlock");
  CHECK(world.run("r", "call a 0 call r 0 echo fine") == "fine");
}

TEST_CASE("a method that is CONCURRENT is no part of a circle") {
  World world;
  world.enable_actor("a");
  world.enable_actor("b");
  CHECK(world.run("a", "call b 0 call a 2 echo fine") == "fine");
}
