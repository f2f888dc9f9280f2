// Plugins in a process of their own: the same library, the same answers, and another end.
#include <signal.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/plugin/world_for_test.h"

using namespace novacron::host;
using namespace novacron::host::plugin;
using nlohmann::json;
using novacron::host::plugin::testing::eventually;
using novacron::host::plugin::testing::World;

namespace {

/// A slow machine brings faults of other kinds.
uint64_t stale_ids(const World& world) {
  uint64_t count = 0;
  for (const PluginFault& fault : world.info("actor-a").faults)
    count += fault.reason == "plugin.stale-id" ? fault.count : 0;
  return count;
}

}  // namespace

TEST_CASE("a plugin in a sandbox answers a call") {
  World world;
  world.enable_actor("a", Placement::kSandboxed);
  CHECK(world.run("a", "echo hello") == "hello");
  CHECK(world.run("a", "fail 5") == "plugin.refused");
  CHECK(world.run("a", "who") == "user:somebody  ");
}

TEST_CASE("a plugin in a sandbox calls others, waits for them, and hears of what it did not wait for") {
  World world;
  world.enable_actor("a", Placement::kSandboxed);
  world.enable_actor("b");
  CHECK(world.run("a", "call b 0 echo x") == "x");
  CHECK(world.run("a", "async b 0 echo y") == "y");
  CHECK(world.run("a", "relay b 0 who") == "user:somebody  actor-a");
  CHECK(world.run("a", "publish test.x") == "0");
  CHECK(world.run("a", "publish other.x") == "7");
}

TEST_CASE("a process that is killed in the middle of calls ends them with UNAVAILABLE, and is started again") {
  Manager::Options options;
  options.sandboxes.restart_ms = 1;
  World world(options);
  world.enable_actor("a", Placement::kSandboxed);
  const auto never = world.open("a", "never");
  const auto spins = world.open("a", "spin 60000");
  REQUIRE(eventually([&] { return world.info("actor-a").counters.calls == 2; }));
  const PluginProcess first = world.info("actor-a").process;
  REQUIRE(first.pid > 0);
  REQUIRE(::kill(first.pid, SIGKILL) == 0);
  for (const auto& call : {never.get(), spins.get()}) {
    const auto ended = call->wait();
    REQUIRE(ended.code() == Code::kUnavailable);
    CHECK(ended.error().reason == "plugin.died");
  }
  REQUIRE(eventually([&] { return world.run("a", "echo again") == "again"; }));
  CHECK(world.info("actor-a").process.pid != first.pid);
}

TEST_CASE("its death is told with the signal, and after too many it is quarantined until somebody disables it") {
  Manager::Options options;
  options.sandboxes.restart_ms = 1;
  options.sandboxes.max_deaths = 2;
  World world(options);
  world.enable_actor("a", Placement::kSandboxed);
  REQUIRE(::kill(world.info("actor-a").process.pid, SIGKILL) == 0);
  REQUIRE(eventually([&] { return world.run("a", "echo x") == "x"; }));
  REQUIRE(::kill(world.info("actor-a").process.pid, SIGKILL) == 0);
  REQUIRE(eventually([&] { return world.info("actor-a").state == State::kQuarantined; }));
  CHECK(world.info("actor-a").message == "its process died 2 times; the last: killed by signal 9 (Killed)");
  REQUIRE(world.recorder.deaths.size() == 2);
  CHECK(world.recorder.deaths[0].signal == SIGKILL);
  CHECK(world.recorder.deaths[0].plugin == "actor-a");
  CHECK(world.manager->enable("actor-a").error().reason == "plugin.quarantined");
  REQUIRE(world.manager->disable("actor-a").ok());
  REQUIRE(world.manager->enable("actor-a").ok());
  CHECK(world.run("a", "echo x") == "x");
}

TEST_CASE("it has every layer that this machine can give") {
  World world;
  world.enable_actor("a", Placement::kSandboxed);
  const std::string layers = world.info("actor-a").process.layers;
  for (const char* layer : {"user", "mount", "pid", "ipc", "network", "seccomp", "landlock", "rlimits", "no-new-"}) {
    CAPTURE(layers, layer);
    CHECK(layers.find(layer) != std::string::npos);
  }
}

TEST_CASE("neither the plugin nor its callers see where it runs") {
  World inside;
  World outside;
  for (World* world : {&inside, &outside}) {
    const Placement placement = world == &inside ? Placement::kInline : Placement::kSandboxed;
    for (const char* letter : {"a", "b", "r"}) world->enable_actor(letter, placement);
  }
  const char* const scripts[] = {"echo x",
                                 "fail 5",
                                 "call b 0 echo x",
                                 "call b 0 fail 8",
                                 "call c 0 echo x",
                                 "call b 7 echo x",
                                 "behalf b 0 who",
                                 "call b 0 who",
                                 "relay b 0 who",
                                 "async b 0 call a 0 echo circle",
                                 "call b 0 call a 0 echo circle",
                                 "notify b 0 echo x",
                                 "call r 0 call r 0 echo reentrant",
                                 "publish test.x",
                                 "publish not.granted",
                                 "publish ..",
                                 "who",
                                 "where",
                                 "stale",
                                 "twice",
                                 "unknown",
                                 "useheld 77 b 0 echo x",
                                 "log 3",
                                 "call b 3 echo stream",
                                 ""};
  for (const char* script : scripts) {
    CAPTURE(script);
    CHECK(outside.run("a", script) == inside.run("a", script));
  }
  CHECK(outside.run("a", "waitfast", "RunFast") == inside.run("a", "waitfast", "RunFast"));
  CHECK(stale_ids(outside) == stale_ids(inside));
}

TEST_CASE("bodies as large as may be go into a sandbox and out of it") {
  World world;
  world.enable_actor("a", Placement::kSandboxed);
  for (const size_t size : {size_t{100'000}, size_t{4 * 1'024 * 1'024 - 5}}) {
    const std::string text(size, 'x');
    CHECK(world.run("a", "echo " + text) == text);
  }
}

TEST_CASE("many calls at once go through one sandbox") {
  World world;
  world.enable_actor("r", Placement::kSandboxed);
  world.enable_actor("b", Placement::kSandboxed);
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&world, &right, i] {
      const std::string mine = std::to_string(i);
      for (int n = 0; n < 25; ++n) right += world.run("r", "call b 0 echo " + mine) == mine ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 200);
}

TEST_CASE("a sandbox that may have few threads serves many callers with those that it has") {
  Manager::Options options;
  options.sandboxes.threads = 4;
  World world(options);
  world.enable_actor("r", Placement::kSandboxed);
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 12; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10; ++n) right += world.run("r", "spin 5") == "5" ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 120);
  CHECK(world.info("actor-r").process.threads <= 4);
  CHECK(world.run("r", "echo well") == "well");
}

TEST_CASE("a directory does not get into a sandbox by a call") {
  World world;
  world.enable_actor("a", Placement::kSandboxed);
  Message message{"x", {}};
  message.fds.emplace_back(::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  CHECK(world.broker.call("test.a", "Pass", {}, std::move(message), world.options()).code() == Code::kPermissionDenied);
  CHECK(world.run("a", "echo still here") == "still here");
}

TEST_CASE("a plugin that does not come back is killed instead of costing the host a thread") {
  Manager::Options options;
  options.create_timeout_ms = options.start_timeout_ms = options.drain_timeout_ms = options.quiesce_timeout_ms = 300;
  World world(options);
  for (const char* sin : {"create-hangs", "entry-hangs", "start-hangs", "quiesce-hangs", "destroy-hangs"}) {
    CAPTURE(sin);
    const std::string id = std::string("bad-") + sin;
    world.add_package(id, id, {{"services", {"bad.v1.Work"}}, {"placement", "sandboxed"}});
    REQUIRE(world.install(id).ok());
    (void)world.manager->enable(id);
    (void)world.manager->disable(id);
    CHECK(world.info(id).state == State::kDisabled);
    CHECK(world.info(id).counters.abandoned == 0);
  }
  CHECK(world.broker.abandoned().empty());
}

TEST_CASE("an exception in a sandbox has the same words as one inside the host") {
  World world;
  world.add_package("bad-throws-from-create", "bad-throws-from-create",
                    {{"services", {"bad.v1.Work"}}, {"placement", "sandboxed"}});
  REQUIRE(world.install("bad-throws-from-create").ok());
  const Status thrown = world.manager->enable("bad-throws-from-create");
  REQUIRE_FALSE(thrown.ok());
  CHECK(thrown.error().message.find("threw an exception from create") != std::string::npos);
}

TEST_CASE("a plugin that brings protobuf's runtime, by itself or by a library beside it, runs in a sandbox") {
  World world;
  std::filesystem::permissions(world.folder.path, std::filesystem::perms(0755));
  for (const char* id : {"bad-protobuf", "bad-protobuf-behind"}) {
    const auto folder = world.add_package(id, id, {{"services", {"bad.v1.Work"}}, {"placement", "sandboxed"}});
    std::filesystem::copy_file(std::filesystem::path(NOVACRON_FIXTURE_PLUGINS) / "libinnocent.so",
                               folder / "libinnocent.so");
    REQUIRE(world.install(id).ok());
    const Status enabled = world.manager->enable(id);
    INFO((enabled.ok() ? "" : enabled.error().message));
    CHECK(enabled.ok());
  }
}

TEST_CASE("measure: a call into a sandbox, beside the same call inside the host", "[.measure]") {
  for (const Placement placement : {Placement::kInline, Placement::kSandboxed}) {
    World world;
    world.enable_actor("a");
    world.enable_actor("b", placement);
    const std::string where = placement == Placement::kInline ? "inline" : "sandboxed";
    for (const char* calls : {"200", "2000"}) {
      WARN(where << ": ns for " << calls << " calls: " << world.run("a", std::string("bench b 0 ") + calls));
    }
    WARN(where << ": memory " << world.info("actor-b").process.memory_bytes / 1'024 << " KiB, threads "
               << world.info("actor-b").process.threads);
  }
}
