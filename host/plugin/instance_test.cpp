// What a plugin may do, on whose behalf, and what happens to it without a call.
#include "host/plugin/instance.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/plugin/world_for_test.h"

using namespace novacron::host;
using namespace novacron::host::plugin;
using nlohmann::json;
using novacron::host::plugin::testing::context_of;
using novacron::host::plugin::testing::Pipe;
using novacron::host::plugin::testing::World;

namespace {

json grants(std::vector<std::string> call) {
  return {{"call", std::move(call)}};
}

}  // namespace

TEST_CASE("a plugin calls only the services that it was granted, and is told which grant is missing") {
  World world;
  world.enable_actor("a", grants({"test.c"}));
  world.enable_actor("b");
  const auto denied = world.broker.call("test.a", "Run", {}, {"call b 0 echo x", {}}, world.options());
  REQUIRE(denied.code() == Code::kPermissionDenied);
  CHECK(denied.error().reason == "auth.denied");
  CHECK(denied.error().message == "plugin actor-a may not call test.b; grant it permissions.call \"test.b\"");
  CHECK(world.run("a", "async b 0 echo x") == "auth.denied");
}

TEST_CASE("on behalf of another plugin, both must have the grant") {
  World world;
  world.enable_actor("a", grants({"test.b"}));
  world.enable_actor("b");
  world.enable_actor("c");
  CHECK(world.run("a", "call b 0 behalf c 0 echo x") == "auth.denied");
  CHECK(world.run("a", "call b 0 call c 0 echo by itself") == "by itself");
}

TEST_CASE("a callee sees who is at the start of the chain, and which plugin called it") {
  World world;
  world.user = context_of("user:alice", "acme");
  world.enable_actor("a");
  world.enable_actor("b");
  CHECK(world.run("a", "who") == "user:alice acme ");
  CHECK(world.run("a", "behalf b 0 who") == "user:alice acme actor-a");
  CHECK(world.run("a", "call b 0 who") == "plugin:actor-a  actor-a");
}

TEST_CASE("a context is stale after its call, never the plugin itself") {
  World world;
  world.enable_actor("a");
  world.enable_actor("b");
  const auto stale = world.broker.call("test.a", "Run", {}, {"useheld 12345 b 0 who", {}}, world.options());
  REQUIRE(stale.code() == Code::kUnauthenticated);
  CHECK(stale.error().reason == "auth.stale-context");
}

TEST_CASE("a held context outlives its call until it is revoked") {
  World world;
  world.user = context_of("user:alice");
  world.enable_actor("a");
  world.enable_actor("b");
  const std::string held = world.run("a", "hold");
  REQUIRE(held != "0");
  world.user = context_of("user:bob");
  CHECK(world.run("a", "useheld " + held + " b 0 who") == "user:alice  actor-a");
  CHECK(world.broker.revoke_contexts("user:nobody") == 0);
  CHECK(world.broker.revoke_contexts("user:alice") == 1);
  CHECK(world.run("a", "useheld " + held + " b 0 who") == "auth.stale-context");
}

TEST_CASE("a plugin holds 256 contexts at most") {
  World world;
  world.enable_actor("a");
  for (size_t i = 0; i < kMaxHeldContexts; ++i) REQUIRE(world.run("a", "hold") != "0");
  CHECK(world.run("a", "hold") == "0");
  CHECK(world.broker.revoke_contexts("user:somebody") == kMaxHeldContexts);
  CHECK(world.run("a", "hold") != "0");
}

TEST_CASE("a chain that grows without end is cut at 32 plugins") {
  World world;
  world.enable_actor("r");
  std::string script = "echo x";
  for (size_t i = 0; i < kMaxChain + 1; ++i) script = "relay r 2 " + script;
  CHECK(world.run("r", script) == "host.chain-too-long");
}

TEST_CASE("events reach whoever subscribed, and on_end comes once") {
  Pipe code;
  World world;
  world.enable_actor("a");
  world.enable_actor("b");
  REQUIRE(world.run("b", "on test.* " + code.in() + " call a 1 echo x") == "1");
  CHECK(world.run("a", "publish test.one") == "0");
  CHECK(code.get() == NC_OK);
  CHECK(world.run("a", "publish test.two") == "0");
  CHECK(code.get() == NC_OK);
  REQUIRE(world.manager->disable("actor-b").ok());
  CHECK(code.get() == 100 + NC_CANCELLED);
}

TEST_CASE("what may be published and subscribed is granted by pattern") {
  Pipe code;
  World world;
  world.enable_actor("a", {{"publish", {"test.a.*"}}, {"subscribe", {"test.a.*"}}});
  CHECK(world.run("a", "publish test.a.x") == "0");
  CHECK(world.run("a", "publish test.b.x") == std::to_string(NC_PERMISSION_DENIED));
  CHECK(world.run("a", "publish not..sound") == std::to_string(NC_INVALID_ARGUMENT));
  CHECK(world.run("a", "on test.> " + code.in() + " call a 1 echo x") == "1");
  CHECK(code.get() == 100 + NC_PERMISSION_DENIED);
  CHECK(world.run("a", "on test..x " + code.in() + " call a 1 echo x") == "1");
  CHECK(code.get() == 100 + NC_INVALID_ARGUMENT);
}

TEST_CASE("a timer runs once: when it is due, or when its plugin stops") {
  Pipe code;
  World world;
  world.enable_actor("a");
  CHECK(world.run("a", "post " + code.in()) != "0");
  CHECK(code.get() == NC_OK);
  CHECK(world.run("a", "postlong " + code.in()) != "0");
  REQUIRE(world.manager->disable("actor-a").ok());
  CHECK(code.get() == NC_CANCELLED);
}

TEST_CASE("a plugin that logs too much loses lines, and they are counted") {
  World world;
  world.enable_actor("a");
  CHECK(world.run("a", "log 3000") == "3000");
  const uint64_t dropped = world.info("actor-a").counters.logs_dropped;
  CHECK(dropped >= 1'000);
  CHECK(dropped <= 2'000);
}

TEST_CASE("a plugin that gives up is quarantined with its own words until it is disabled") {
  World world;
  world.enable_actor("a");
  CHECK(world.run("a", "fatal out of luck") == "0");
  REQUIRE(world.recorder.reached("actor-a", "quarantined"));
  CHECK(world.info("actor-a").message == "out of luck");
  CHECK(world.run("a", "echo x") == "plugin.no-provider");
  CHECK(world.manager->enable("actor-a").error().reason == "plugin.quarantined");
  REQUIRE(world.manager->disable("actor-a").ok());
  REQUIRE(world.manager->enable("actor-a").ok());
  CHECK(world.run("a", "echo again") == "again");
}
