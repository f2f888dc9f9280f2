#include "host/plugin/manager.h"

#include <future>
#include <nlohmann/json.hpp>

#include "host/base/file.h"
#include "host/plugin/world_for_test.h"

using namespace novacron::host;
using namespace novacron::host::plugin;
using nlohmann::json;
using novacron::host::plugin::testing::eventually;
using novacron::host::plugin::testing::Pipe;
using novacron::host::plugin::testing::World;

namespace {

/// Long enough for what does not hang, on a busy machine too.
Manager::Options impatient(uint64_t timeout_ms = 500) {
  Manager::Options options;
  options.create_timeout_ms = options.start_timeout_ms = options.quiesce_timeout_ms = timeout_ms;
  options.drain_timeout_ms = options.health_timeout_ms = timeout_ms;
  return options;
}

/// The stuck plugin, installed to misbehave at a step.
void install_stuck(World& world, const std::string& config) {
  world.add_package("stuck", "stuck");
  REQUIRE(world.install("stuck", config).ok());
}

}  // namespace

TEST_CASE("only the transitions of the table are legal") {
  CHECK(may_follow(State::kAvailable, State::kInstalled));
  CHECK(may_follow(State::kEnabled, State::kDisabled));
  CHECK_FALSE(may_follow(State::kAvailable, State::kEnabled));
  CHECK_FALSE(may_follow(State::kInstalled, State::kEnabled));
  CHECK_FALSE(may_follow(State::kEnabled, State::kInstalled));
  CHECK_FALSE(may_follow(State::kEnabled, State::kAvailable));
  CHECK_FALSE(may_follow(State::kQuarantined, State::kResolved));
  CHECK_FALSE(may_follow(State::kAbandoned, State::kResolved));
}

TEST_CASE("a plugin goes through its whole life") {
  World world;
  world.add_package("stuck", "stuck");
  CHECK(world.manager->info("stuck").error().reason == "plugin.not-installed");
  CHECK(world.manager->enable("stuck").error().reason == "plugin.not-installed");
  REQUIRE(world.install("stuck").ok());
  REQUIRE(world.install("stuck").ok());
  REQUIRE(world.manager->enable("stuck").ok());
  REQUIRE(world.manager->enable("stuck").ok());
  CHECK(world.install("stuck", "other").error().reason == "plugin.enabled");
  CHECK(world.manager->health("stuck").ok());
  REQUIRE(world.manager->disable("stuck").ok());
  REQUIRE(world.manager->disable("stuck").ok());
  REQUIRE(world.manager->enable("stuck").ok());
  REQUIRE(world.manager->remove("stuck").ok());
  CHECK(world.manager->list().empty());
  CHECK(world.recorder.states["stuck"] == std::vector<std::string>{"installed", "resolved", "loaded", "configured",
                                                                   "enabled", "disabled", "resolved", "loaded",
                                                                   "configured", "enabled", "disabled", "available"});
}

TEST_CASE("the catalog tells sound packages from broken ones, newest first") {
  World world;
  world.add_package("stuck", "stuck");
  const auto nested = world.folder.path / "catalog" / "many";
  for (const char* version : {"1.0.0", "1.10.0", "1.9.0"}) {
    const auto made =
        world.add_package(std::string("many/") + version, "stuck", {{"id", "many"}, {"version", version}});
    REQUIRE(std::filesystem::exists(made / "plugin.json"));
  }
  world.add_package("broken", "stuck", {{"scope", "nowhere"}});
  const Catalog catalog = world.manager->scan();
  REQUIRE(catalog.packages.size() == 4);
  CHECK(catalog.packages[0].manifest.version.to_string() == "1.10.0");
  CHECK(catalog.packages[2].manifest.version.to_string() == "1.0.0");
  CHECK(catalog.packages[3].manifest.id == "stuck");
  REQUIRE(catalog.broken.size() == 1);
  CHECK(catalog.broken[0].error.fields.at(0).path == "scope");
  CHECK(world.install("broken").error().reason == "plugin.manifest");
  CHECK(world.install("nobody").error().reason == "plugin.no-package");
}

TEST_CASE("a plugin whose requirements are missing fails with their name, and is enabled once they are there") {
  World world;
  world.add_package("stuck", "stuck", {{"requires", {{{"contract", "test.things.v1"}, {"version", ">=1.0.0"}}}}});
  REQUIRE(world.install("stuck").ok());
  const Status missing = world.manager->enable("stuck");
  CHECK(missing.error().reason == "plugin.requires");
  CHECK(missing.error().message.find("test.things.v1 >=1.0.0") != std::string::npos);
  CHECK(world.info("stuck").state == State::kFailed);
  world.contracts.versions["test.things.v1"] = Version{1, 2, 0};
  CHECK(world.manager->enable("stuck").ok());
}

TEST_CASE("a step that fails ends with the plugin's own words") {
  for (const std::string step : {"create", "start"}) {
    World world;
    install_stuck(world, step + " fail");
    const Status failed = world.manager->enable("stuck");
    REQUIRE(failed.code() == Code::kUnavailable);
    CHECK(failed.error().reason == "plugin." + step + "-failed");
    CHECK(failed.error().message == "as told");
    CHECK(world.info("stuck").state == State::kFailed);
    REQUIRE(world.install("stuck", "").ok());
    CHECK(world.manager->enable("stuck").ok());
  }
}

TEST_CASE("a create that throws fails, and the host lives") {
  World world;
  world.add_package("throws", "throws", {{"services", {"test.t"}}});
  REQUIRE(world.install("throws", "create").ok());
  CHECK(world.manager->enable("throws").code() == Code::kInternal);
  CHECK(world.info("throws").state == State::kFailed);
}

TEST_CASE("a step that hangs is abandoned, and a fresh copy can be enabled") {
  for (const std::string step : {"create", "start", "quiesce", "destroy"}) {
    Pipe hang;
    World world(impatient());
    install_stuck(world, step + ' ' + hang.hang());
    const bool at_the_end = step == "quiesce" || step == "destroy";
    Status outcome = world.manager->enable("stuck");
    if (at_the_end) {
      REQUIRE(outcome.ok());
      outcome = world.manager->disable("stuck");
    }
    INFO(step);
    CHECK(outcome.code() == Code::kDeadlineExceeded);
    CHECK(world.info("stuck").state == State::kAbandoned);
    CHECK(world.info("stuck").counters.abandoned == 1);
    CHECK(world.manager->enable("stuck").error().reason == "plugin.abandoned");
    REQUIRE(world.manager->disable("stuck").ok());
    REQUIRE(world.install("stuck", "").ok());
    CHECK(world.manager->enable("stuck").ok());
  }
}

TEST_CASE("a health that hangs is one thread and no answer") {
  Pipe hang;
  World world(impatient());
  install_stuck(world, "health " + hang.hang());
  REQUIRE(world.manager->enable("stuck").ok());
  CHECK(world.manager->health("stuck").error().reason == "plugin.health");
  CHECK(world.manager->health("stuck").error().reason == "plugin.health");
  hang.put();
  CHECK(world.manager->disable("stuck").ok());
}

TEST_CASE("a new configuration is taken whole or refused") {
  World world;
  install_stuck(world, "");
  REQUIRE(world.manager->enable("stuck").ok());
  CHECK(world.manager->configure("stuck", "anything").ok());
  const Status refused = world.manager->configure("stuck", "");
  CHECK(refused.code() == Code::kInvalidArgument);
  CHECK(refused.error().message == "nothing to configure");
  CHECK(world.info("stuck").state == State::kEnabled);
}

TEST_CASE("what wants a sandbox runs here only where that is allowed") {
  Manager::Options options;
  options.allow_inline = false;
  World strict(options);
  strict.add_package("stuck", "stuck", {{"placement", "sandboxed"}});
  InstallRequest request;
  request.id = "stuck";
  request.placement = Placement::kInline;
  CHECK(strict.manager->install(request).error().reason == "plugin.no-sandbox");
  World lenient;
  lenient.add_package("stuck", "stuck", {{"placement", "sandboxed"}});
  CHECK(lenient.manager->install(request).ok());
}

TEST_CASE("a host without the sandbox's program runs nothing that is to run in one") {
  World world;
  Manager::Options options;
  options.catalog = {world.folder.path / "catalog"};
  world.manager->reconfigure(options);
  world.add_package("stuck", "stuck", {{"placement", "sandboxed"}});
  CHECK(world.install("stuck").error().reason == "plugin.no-sandbox");
}

TEST_CASE("another catalog and other permissions hold from the next installation on") {
  Manager::Options options;
  options.allow_inline = false;
  World world(options);
  world.add_package("stuck", "stuck", {{"placement", "sandboxed"}});
  InstallRequest request;
  request.id = "stuck";
  request.placement = Placement::kInline;
  CHECK(world.manager->install(request).error().reason == "plugin.no-sandbox");
  options.allow_inline = true;
  options.catalog = {world.folder.path / "elsewhere"};
  world.manager->reconfigure(options);
  CHECK(world.manager->install(request).error().reason == "plugin.no-package");
  options.catalog = {world.folder.path / "catalog"};
  world.manager->reconfigure(options);
  CHECK(world.manager->install(request).ok());
}

TEST_CASE("a library that is no plugin is refused before any of its code runs") {
  World world;
  const auto package = world.add_package("stuck", "two-exports");
  const Status two = world.install("stuck");
  CHECK(two.error().reason == "plugin.exports");
  CHECK(two.error().message.find("one_too_many") != std::string::npos);
  for (const std::string content : {"", "no ELF",
                                    "\x7f"
                                    "ELF"}) {
    REQUIRE(write_file((package / "plugin.so").string(), content, 0644).ok());
    CHECK(world.install("stuck").error().reason == "plugin.library");
  }
  std::filesystem::remove(package / "plugin.so");
  CHECK(world.install("stuck").code() == Code::kNotFound);
}

TEST_CASE("a library that is cut anywhere is refused without a crash") {
  World world;
  const auto package = world.add_package("stuck", "stuck");
  const std::string whole = *read_file((package / "plugin.so").string(), 64 << 20);
  for (size_t length = 0; length < whole.size(); length += whole.size() / 97 + 1) {
    REQUIRE(write_file((package / "plugin.so").string(), whole.substr(0, length), 0644).ok());
    CHECK_FALSE(world.install("stuck").ok());
  }
}

TEST_CASE("a descriptor that is not what its manifest says is refused, and says what differs") {
  const std::vector<std::pair<json, std::string>> lies = {
      {{{"version", "1.0.1"}}, "its version is 1.0.0"},
      {{{"services", {"test.other"}}}, "it does not offer test.other"},
  };
  for (const auto& [lie, words] : lies) {
    World world;
    world.add_package("stuck", "stuck", lie);
    REQUIRE(world.install("stuck").ok());
    const Status refused = world.manager->enable("stuck");
    CHECK(refused.error().reason == "plugin.descriptor");
    CHECK(refused.error().message.find(words) != std::string::npos);
    CHECK(world.info("stuck").state == State::kFailed);
  }
  World world;
  world.add_package("somebody", "stuck");
  REQUIRE(world.install("somebody").ok());
  CHECK(world.manager->enable("somebody").error().message.find("its id is stuck") != std::string::npos);
}

TEST_CASE("a library that was built with other contracts is refused") {
  World world;
  const auto package = world.add_package("stuck", "stuck");
  REQUIRE(write_file((package / "contracts.binpb").string(), "other", 0644).ok());
  REQUIRE(world.install("stuck").ok());
  CHECK(world.manager->enable("stuck").error().reason == "plugin.descriptor");
}

TEST_CASE("a package that changed since it was installed is not loaded") {
  World world;
  world.add_package("stuck", "stuck");
  REQUIRE(world.install("stuck").ok());
  world.add_package("stuck", "throws");
  CHECK(world.manager->enable("stuck").error().reason == "plugin.package-changed");
}

TEST_CASE("descriptor sets larger than 4 MiB are refused") {
  World world;
  const auto package = world.add_package("stuck", "stuck");
  REQUIRE(write_file((package / "contracts.binpb").string(), std::string(kMaxContractsBytes + 1, 'x'), 0644).ok());
  CHECK(world.install("stuck").error().reason == "plugin.contracts-too-large");
}

TEST_CASE("eight copies of a library stay in memory, a ninth is refused") {
  Pipe hang;
  World world(impatient(200));
  install_stuck(world, "create " + hang.out());
  for (size_t i = 0; i < kMaxResidentVersions; ++i) {
    CHECK(world.manager->enable("stuck").error().reason == "plugin.abandoned");
    REQUIRE(world.manager->disable("stuck").ok());
    hang.put();
    REQUIRE(eventually([&] { return world.broker.abandoned().empty(); }));
  }
  CHECK(world.manager->enable("stuck").error().reason == "plugin.too-many-versions");
}
