#include "host/plugin/world_for_test.h"

#include <fstream>
#include <nlohmann/json.hpp>

namespace novacron::host::plugin::testing {

std::filesystem::path World::add_package(const std::string& id, const std::string& library) {
  return add_package(id, library, nlohmann::json::object());
}

std::filesystem::path World::add_package(const std::string& id, const std::string& library,
                                         const nlohmann::json& changes) {
  const auto package = folder.path / "catalog" / id;
  std::filesystem::create_directories(package);
  std::filesystem::copy_file(std::filesystem::path(NOVACRON_FIXTURE_PLUGINS) / (library + ".so"), package / "plugin.so",
                             std::filesystem::copy_options::overwrite_existing);
  std::ofstream(package / "contracts.binpb");
  nlohmann::json manifest = {{"id", id},
                             {"version", "1.0.0"},
                             {"vendor", "test"},
                             {"summary", "test"},
                             {"license", "Apache-2.0"},
                             {"abi", {{"major", 1}, {"minor", 0}}},
                             {"library", "plugin.so"},
                             {"contracts", "contracts.binpb"},
                             {"scope", "every-node"},
                             {"placement", "inline"},
                             {"permissions", nlohmann::json::object()}};
  manifest.merge_patch(changes);
  std::ofstream(package / "plugin.json") << manifest;
  return package;
}

namespace {

const nlohmann::json& everything() {
  static const nlohmann::json permissions = {{"call", nlohmann::json::array({"test.a", "test.b", "test.c", "test.r"})},
                                             {"publish", nlohmann::json::array({"test.>"})},
                                             {"subscribe", nlohmann::json::array({"test.>"})}};
  return permissions;
}

}  // namespace

void World::enable_actor(const std::string& letter) {
  enable_actor(letter, everything());
}

void World::enable_actor(const std::string& letter, Placement placement) {
  const std::string id = "actor-" + letter;
  add_package(id, id, {{"services", {"test." + letter}}, {"permissions", everything()}});
  InstallRequest request;
  request.id = id;
  request.placement = placement;
  REQUIRE(manager->install(request).ok());
  const Status enabled = manager->enable(id);
  INFO((enabled.ok() ? "" : enabled.error().message));
  REQUIRE(enabled.ok());
}

void World::enable_actor(const std::string& letter, const nlohmann::json& permissions) {
  add_package("actor-" + letter, "actor-" + letter, {{"services", {"test." + letter}}, {"permissions", permissions}});
  REQUIRE(install("actor-" + letter).ok());
  const Status enabled = manager->enable("actor-" + letter);
  INFO((enabled.ok() ? "" : enabled.error().message));
  REQUIRE(enabled.ok());
}

}  // namespace novacron::host::plugin::testing
