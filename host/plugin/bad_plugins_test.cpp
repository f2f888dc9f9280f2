// Plugins that are really broken (tests/fixtures/plugins/bad): the host outlives each, says which and why, and a
// healthy neighbour goes on at full speed.
#include <nlohmann/json.hpp>

#include "host/plugin/abandoned.h"
#include "host/plugin/instance.h"
#include "host/plugin/world_for_test.h"

using namespace novacron::host;
using namespace novacron::host::plugin;
using nlohmann::json;
using novacron::host::plugin::testing::eventually;
using novacron::host::plugin::testing::Pipe;
using novacron::host::plugin::testing::World;

namespace {

constexpr size_t kNeighbourCalls = 300;
constexpr int kLooks = 10;
constexpr double kWorstSlowdown =
    20;  ///< generous: the test's machine may be busy, a neighbour that waits is far slower

Manager::Options impatient() {
  Manager::Options options;
  options.create_timeout_ms = options.start_timeout_ms = options.quiesce_timeout_ms = 400;
  options.drain_timeout_ms = options.health_timeout_ms = 400;
  return options;
}

/// A host with a healthy plugin, whose speed is taken before anything bad comes.
class Street : public World {
 public:
  Street() : World(impatient()) {
    enable_actor("a");
    alone_ = calls_per_second();
  }

  std::filesystem::path add(const std::string& id, json changes = json::object()) {
    json manifest = {
        {"services", {"bad.v1.Work"}},
        {"permissions",
         {{"call", {"bad.v1.Work"}}, {"publish", json::array({"bad.>"})}, {"subscribe", json::array({"bad.>"})}}}};
    manifest.merge_patch(changes);
    return add_package(id, id, manifest);
  }

  Status enable(const std::string& id, const std::string& config = "") {
    add(id);
    const Status installed = install(id, config);
    return installed.ok() ? manager->enable(id) : installed;
  }

  /// At some time: other programs of the machine slow it down for a while, a plugin that is in its way always.
  bool neighbour_is_fast() {
    for (int i = 0; i < kLooks; ++i) {
      if (calls_per_second() * kWorstSlowdown > alone_) return true;
    }
    return false;
  }

  std::string fault(const std::string& id, const std::string& reason) {
    for (const PluginFault& found : info(id).faults) {
      if (found.reason == reason) return found.message;
    }
    return "";
  }

 private:
  double calls_per_second() {
    const auto begun = std::chrono::steady_clock::now();
    for (size_t i = 0; i < kNeighbourCalls; ++i) REQUIRE(run("a", "echo x") == "x");
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    return kNeighbourCalls / took.count();
  }

  double alone_ = 0;
};

bool contains(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("a package that cannot run here is refused before any of its code runs, and says why") {
  struct Case {
    std::string id;
    json manifest;
    std::string reason;
    std::string words;
  };
  const std::vector<Case> cases = {
      {"bad-no-entry", json::object(), "plugin.exports", "it exports nothing"},
      {"bad-protobuf", json::object(), "plugin.sandbox-only", "it needs libprotobuf"},
      {"bad-protobuf-behind", json::object(), "plugin.sandbox-only", "it needs libprotobuf"},
      {"bad-stale-ids", {{"abi", {{"major", 2}}}}, "plugin.manifest", "abi.major"},
      {"bad-stale-ids", {{"abi", {{"minor", 999}}}}, "plugin.manifest", "abi.minor"},
  };
  Street street;
  for (const Case& bad : cases) {
    const auto package = street.add(bad.id, bad.manifest);
    std::filesystem::copy_file(std::filesystem::path(NOVACRON_FIXTURE_PLUGINS) / "libinnocent.so",
                               package / "libinnocent.so");
    const Status refused = street.install(bad.id);
    INFO(bad.id);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().reason == bad.reason);
    std::string said = refused.error().message;
    for (const FieldViolation& field : refused.error().fields) said += ' ' + field.path;
    INFO(said);
    CHECK(contains(said, bad.words));
    std::filesystem::remove_all(package);
  }
  CHECK(street.neighbour_is_fast());
}

TEST_CASE("a library that is malformed, or fails on its way up, says why in its status") {
  const std::vector<std::array<std::string, 3>> cases = {
      {"bad-newer-minor", "plugin.descriptor", "it cannot run on this host"},
      {"bad-cut-descriptor", "plugin.descriptor", "its descriptor is cut short"},
      {"bad-null-services", "plugin.descriptor", "no table of them"},
      {"bad-no-invoke", "plugin.descriptor", "it lacks create, invoke or destroy"},
      {"bad-create-fails", "plugin.create-failed", "there is no engine to talk to"},
      {"bad-start-fails", "plugin.start-failed", "the engine does not answer"},
      {"bad-throws-from-create", "plugin.threw", "threw an exception from create: boo"},
      {"bad-throws-from-start", "plugin.threw", "threw an exception from start: boo"},
  };
  Street street;
  for (const auto& [id, reason, words] : cases) {
    INFO(id);
    CHECK_FALSE(street.enable(id).ok());
    const PluginInfo info = street.info(id);
    CHECK(info.state == State::kFailed);
    CHECK(info.reason == reason);
    INFO(info.message);
    CHECK(contains(info.message, words));
  }
  CHECK(street.neighbour_is_fast());
}

TEST_CASE("whatever hangs costs one thread, and its neighbour nothing") {
  Pipe hang;
  Street street;
  std::vector<std::string> hanging;
  for (const std::string step : {"entry", "create", "start", "quiesce", "destroy", "health"}) {
    const std::string id = "bad-" + step + "-hangs";
    INFO(id);
    Status outcome = street.enable(id, hang.hang());
    if (step == "health") CHECK(street.manager->health(id).error().reason == "plugin.health");
    if (outcome.ok()) outcome = street.manager->disable(id);
    CHECK(outcome.code() == Code::kDeadlineExceeded);
    CHECK(street.info(id).state == State::kAbandoned);
    CHECK(street.info(id).reason == "plugin.abandoned");
    hanging.push_back(id);
    CHECK(street.broker.abandoned() == hanging);
  }
  CHECK(street.neighbour_is_fast());
}

TEST_CASE("with eight threads lost nothing is loaded any more, until one comes back") {
  Street street;
  Pipe hang;
  for (size_t i = 0; i < kMaxAbandoned; ++i) {
    CHECK(street.enable("bad-create-hangs", hang.out()).error().reason == "plugin.abandoned");
    REQUIRE(street.manager->disable("bad-create-hangs").ok());
  }
  CHECK(street.broker.abandoned().size() == kMaxAbandoned);
  const Status refused = street.enable("bad-stale-ids");
  CHECK(refused.error().reason == "host.threads-abandoned");
  CHECK(contains(refused.error().message, "8 threads of this host hang in plugins (bad-create-hangs, "));
  CHECK(street.info("bad-stale-ids").state == State::kFailed);
  CHECK(street.neighbour_is_fast());
  hang.put(kMaxAbandoned);
  REQUIRE(eventually([&] { return street.broker.abandoned().empty(); }));
  CHECK(street.enable("bad-stale-ids").ok());
}

TEST_CASE("a plugin that blocks all its workers stalls itself alone, and is abandoned when it is disabled") {
  Street street;
  Pipe hang;
  REQUIRE(street.enable("bad-blocks-workers", hang.out()).ok());
  REQUIRE(street.recorder.troubled("bad-blocks-workers", "plugin.no-answer"));
  REQUIRE(street.recorder.troubled("bad-blocks-workers", "plugin.breaker-open"));
  CHECK(street.neighbour_is_fast());
  CHECK(street.manager->disable("bad-blocks-workers").error().reason == "plugin.abandoned");
  CHECK(street.broker.abandoned() == std::vector<std::string>{"bad-blocks-workers"});
  CHECK(street.neighbour_is_fast());
  hang.writer = Fd();
  CHECK(eventually([&] { return street.broker.abandoned().empty(); }));
}

TEST_CASE("a FAST method that hangs keeps its first caller, and nobody after that") {
  Street street;
  Pipe hang;
  REQUIRE(street.enable("bad-fast-hangs", hang.out()).ok());
  const auto call = [&] { return street.broker.call("bad.v1.Work", "Fast", {}, {}, street.options(600)); };
  std::thread first([&] { (void)call(); });
  CHECK(street.recorder.troubled("bad-fast-hangs", "plugin.stale-id"));  // it is inside
  const uint64_t inside_ns = system_clock().monotonic_ns();
  CHECK(eventually([&] { return system_clock().monotonic_ns() > inside_ns + 2 * kFastStallNs; }));
  CHECK(call().error().reason == "host.deadline");
  CHECK(street.recorder.troubled("bad-fast-hangs", "plugin.no-answer"));
  CHECK(street.neighbour_is_fast());
  CHECK(street.manager->disable("bad-fast-hangs").error().reason == "plugin.abandoned");
  CHECK(street.broker.abandoned() == std::vector<std::string>{"bad-fast-hangs"});
  hang.writer = Fd();
  first.join();
  CHECK(eventually([&] { return street.broker.abandoned().empty(); }));
}

TEST_CASE("an exception from any entry is caught, and its plugin quarantined with the words of it") {
  Street street;
  for (const std::string entry : {"invoke", "done", "task", "on-events", "on-end", "configure", "health"}) {
    const std::string id = "bad-throws-from-" + entry;
    INFO(id);
    const bool enabled = street.enable(id).ok();  // it may be thrown before that
    if (entry == "configure") CHECK(street.manager->configure(id, "new").error().reason == "plugin.threw");
    if (entry == "health") CHECK(street.manager->health(id).error().reason == "plugin.threw");
    REQUIRE(street.recorder.reached(id, enabled ? "quarantined" : "failed"));
    INFO(street.info(id).message);
    CHECK(contains(street.info(id).message, "threw an exception from "));
    CHECK(contains(street.info(id).message, ": boo"));
  }
  for (const std::string entry : {"quiesce", "destroy"}) {
    const std::string id = "bad-throws-from-" + entry;
    REQUIRE(street.enable(id).ok());
    CHECK(street.manager->disable(id).ok());
    CHECK(contains(street.info(id).message, "threw an exception from " + entry));
  }
  CHECK(street.neighbour_is_fast());
}

TEST_CASE("what is no reason to end a plugin is counted and told: which, how often, and what of") {
  const std::vector<std::array<std::string, 3>> cases = {
      {"bad-finishes-twice", "plugin.stale-id", "finish"},
      {"bad-cancels", "plugin.stale-id", "finish"},
      {"bad-stale-ids", "plugin.stale-id", "an id that names nothing any more"},
      {"bad-never-finishes", "plugin.no-answer", "bad.v1.Work"},
      {"bad-slow-fast", "plugin.fast-slow", "bad.v1.Work/Fast"},
      {"bad-floods-log", "plugin.log-flood", "there is much to say"},
      {"bad-floods-timers", "plugin.limit", "timers"},
  };
  Street street;
  for (const auto& [id, reason, words] : cases) {
    INFO(id);
    REQUIRE(street.enable(id).ok());
    REQUIRE(street.recorder.troubled(id, reason));
    CHECK(contains(street.fault(id, reason), words));
    CHECK(street.info(id).state == State::kEnabled);
    CHECK(street.neighbour_is_fast());
  }
}

TEST_CASE("a plugin that takes what it never gives back, or waits for itself, is ended") {
  const std::vector<std::array<std::string, 3>> cases = {
      {"bad-leaks-calls", "abandoned", "leaks calls: it has 65536 open"},
      {"bad-circular", "quarantined", "waited for itself, and was told so"},
      {"bad-floods-bus", "quarantined", "100000 buffers lent, 100000 released"},
  };
  Street street;
  for (const auto& [id, state, words] : cases) {
    INFO(id);
    REQUIRE(street.enable(id).ok());
    REQUIRE(street.recorder.reached(id, state));
    INFO(street.info(id).message);
    CHECK(contains(street.info(id).message, words));
  }
  CHECK(street.neighbour_is_fast());
}

TEST_CASE("a service that fails five times in a row is left alone, by everybody, until a probe succeeds") {
  World world;
  world.enable_actor("a");
  world.enable_actor("b");
  // Whoever is let through as the probe fails too, so it stays open however slow this machine is.
  const auto refused = [&] {
    const auto result = world.broker.call("test.b", "Run", {}, {"fail 14", {}}, world.options());
    REQUIRE(result.code() == Code::kUnavailable);
    return result.error().reason == "plugin.breaker-open" && result.error().retry_after_ns > 0;
  };
  for (uint32_t i = 0; i < 5; ++i) CHECK_FALSE(refused());
  CHECK(eventually(refused));
  CHECK(eventually([&] { return world.run("a", "call b 0 fail 14") == "plugin.breaker-open"; }));
  CHECK(world.run("a", "echo x") == "x");
  REQUIRE(world.recorder.troubled("actor-b", "plugin.breaker-open"));
  REQUIRE(world.info("actor-b").breakers.size() == 1);
  CHECK(world.info("actor-b").breakers[0].service == "test.b");
  CHECK(eventually([&] { return world.run("a", "call b 0 echo x") == "x"; }));
  REQUIRE(world.recorder.troubled("actor-b", "plugin.breaker-closed"));
  CHECK(world.info("actor-b").breakers.empty());
}
