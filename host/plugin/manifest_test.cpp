#include "host/plugin/manifest.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace novacron::host;
using namespace novacron::host::plugin;
using nlohmann::json;

namespace {

json sound() {
  return json::parse(R"({
    "id": "ranker", "version": "1.2.0-rc.1", "vendor": "Somebody", "summary": "Ranks things", "license": "Apache-2.0",
    "abi": {"major": 1, "minor": 0}, "library": "plugin.so", "contracts": "contracts.binpb",
    "provides": [{"contract": "example.ranking.v1", "version": "1.0.0"}],
    "requires": [{"contract": "example.things.v1", "version": ">=1.0.0 <2.0.0"}],
    "services": ["example.ranking.v1.Ranker"], "scope": "singleton", "placement": "sandboxed",
    "config": "example.ranking.v1.Config",
    "permissions": {
      "call": ["example.things.v1.Things"], "state": ["things/"], "publish": ["thing.*"], "subscribe": ["thing.>"],
      "resources": [{"kind": "example.things/Thing", "verbs": ["get", "list"]}],
      "blobs": true, "network": "loopback", "paths": ["ro:/usr/share/x"], "devices": ["/dev/x"]}
  })");
}

/// The paths of all faults.
std::vector<std::string> faults(const json& manifest) {
  const auto parsed = parse_manifest(manifest.dump());
  if (parsed.ok()) return {};
  CHECK(parsed.error().reason == "plugin.manifest");
  CHECK(parsed.error().code == Code::kInvalidArgument);
  std::vector<std::string> paths;
  for (const auto& field : parsed.error().fields) paths.push_back(field.path);
  return paths;
}

}  // namespace

TEST_CASE("a manifest that is no JSON object is refused") {
  for (const char* text : {"", "{", "[]", "7", "null", "{\"id\": \"\xff\"}", "{} {}"}) {
    INFO(text);
    CHECK_FALSE(parse_manifest(text).ok());
  }
}

TEST_CASE("a manifest larger than 256 KiB is refused before it is read") {
  const auto parsed = parse_manifest(std::string(kMaxManifestBytes + 1, ' '));
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error().reason == "plugin.manifest-too-large");
}

TEST_CASE("each key that must be there is asked for by its path") {
  const json whole = sound();
  for (const auto& [key, unused] : whole.items()) {
    if (key == "config" || key == "provides" || key == "requires" || key == "services") continue;
    json without = whole;
    without.erase(key);
    CHECK(faults(without) == std::vector<std::string>{key});
  }
}

TEST_CASE("keys that nobody knows are refused with their path") {
  json extra = sound();
  extra["author"] = "x";
  extra["abi"]["patch"] = 1;
  extra["provides"][0]["range"] = "x";
  extra["permissions"]["root"] = true;
  extra["permissions"]["resources"][0]["names"] = json::array();
  auto paths = faults(extra);
  std::sort(paths.begin(), paths.end());
  CHECK(paths == std::vector<std::string>{"abi.patch", "author", "permissions.resources[0].names", "permissions.root",
                                          "provides[0].range"});
}

TEST_CASE("of the services of the host's contract a plugin may offer admission alone") {
  json changed = sound();
  changed["services"] = {"novacron.core.v1.Admission"};
  CHECK(faults(changed).empty());
  changed["services"] = {"novacron.core.v1.Resources"};
  CHECK(faults(changed).size() == 1);
}

TEST_CASE("each value that is wrong is named") {
  const std::vector<std::pair<std::string, json>> wrong = {
      {"/id", "Upper"},
      {"/id", std::string(64, 'a')},
      {"/id", 7},
      {"/version", "1.0"},
      {"/vendor", ""},
      {"/abi/major", 2},
      {"/abi/minor", 1000},
      {"/abi/minor", -1},
      {"/library", "../plugin.so"},
      {"/library", ".hidden"},
      {"/contracts", "a/b"},
      {"/provides/0/contract", "9lives"},
      {"/provides/0/version", "^1.0.0"},
      {"/requires/0/version", "~1"},
      {"/services", "example.ranking.v1.Ranker"},
      {"/services/0", "novacron.core.v1.State"},
      {"/scope", "everywhere"},
      {"/placement", "outside"},
      {"/config", "not a name"},
      {"/permissions/call/0", ""},
      {"/permissions/publish/0", "thing..x"},
      {"/permissions/subscribe/0", "a.>.b"},
      {"/permissions/blobs", "yes"},
      {"/permissions/paths/0", "/usr"},
      {"/permissions/devices/0", "/etc/passwd"},
  };
  for (const auto& [pointer, value] : wrong) {
    json changed = sound();
    changed[json::json_pointer(pointer)] = value;
    INFO(pointer << " = " << value);
    CHECK(faults(changed).size() == 1);
  }
}

TEST_CASE("a key that is there twice is refused") {
  std::string text = sound().dump();
  text.insert(1, "\"id\": \"other\", ");
  const auto parsed = parse_manifest(text);
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error().message.find("id is there twice") != std::string::npos);
}

TEST_CASE("a manifest that nests deeply is refused") {
  std::string text = "{\"permissions\": ";
  for (int i = 0; i < 100; ++i) text += "[";
  CHECK_FALSE(parse_manifest(text).ok());
  json deep = 1;
  for (int i = 0; i < 20; ++i) deep = json::array({deep});
  json manifest = sound();
  manifest["permissions"]["call"] = deep;
  CHECK_FALSE(parse_manifest(manifest.dump()).ok());
}

TEST_CASE("a sound manifest is read whole") {
  const auto parsed = parse_manifest(sound().dump());
  REQUIRE(parsed.ok());
  const Manifest& manifest = *parsed;
  CHECK(manifest.id == "ranker");
  CHECK(manifest.version.to_string() == "1.2.0-rc.1");
  CHECK(manifest.required.at(0).range.to_string() == ">=1.0.0 <2.0.0");
  CHECK(manifest.provides.at(0).version.to_string() == "1.0.0");
  CHECK(manifest.services == std::vector<std::string>{"example.ranking.v1.Ranker"});
  CHECK(manifest.scope == PluginScope::kSingleton);
  CHECK(manifest.placement == Placement::kSandboxed);
  CHECK(manifest.permissions.grant.plugin == "ranker");
  CHECK(manifest.permissions.grant.blobs);
  CHECK(manifest.permissions.grant.resources.at(0).verbs == std::vector<std::string>{"get", "list"});
  CHECK(manifest.permissions.kernel.network == "loopback");
}
