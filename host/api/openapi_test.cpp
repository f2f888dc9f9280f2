#include "host/api/openapi.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "host/contract/testing/testing.h"

using namespace novacron::host;
using namespace novacron::host::api;

namespace {

using nlohmann::json;

const json& document() {
  static const json kDocument = json::parse(describe_open_api(*contract::testing::shop_schema(), "1.2.3"));
  return kDocument;
}

const json& robot_spec(const std::string& field) {
  return document()["components"]["schemas"]["shop.v1.RobotSpec"]["properties"].at(field);
}

/// Every "$ref" below a value.
void collect_references(const json& value, std::set<std::string>& found) {
  if (value.is_object() && value.contains("$ref") && value["$ref"].is_string()) found.insert(value["$ref"]);
  if (!value.is_structured()) return;
  for (const auto& part : value) collect_references(part, found);
}

}  // namespace

TEST_CASE("Every reference in the document leads somewhere") {
  std::set<std::string> references;
  collect_references(document(), references);
  CHECK(references.size() > 20);
  for (const auto& reference : references) {
    INFO(reference);
    REQUIRE(reference.starts_with("#/"));
    CHECK(document().contains(json::json_pointer(reference.substr(1))));
  }
}

TEST_CASE("Operation ids are unique, and path parameters are declared") {
  std::set<std::string> ids;
  for (const auto& [path, item] : document()["paths"].items()) {
    INFO(path);
    const std::string declared = item.value("parameters", json::array()).dump();
    if (path.find("{tenant}") != std::string::npos) CHECK(declared.find("parameters/tenant") != std::string::npos);
    if (path.find("{name}") != std::string::npos) CHECK(declared.find("parameters/name") != std::string::npos);
    for (const auto& [method, operation] : item.items()) {
      if (method == "parameters") continue;
      CHECK(ids.insert(operation.at("operationId")).second);
      CHECK(operation["responses"].contains("default"));
    }
  }
}

TEST_CASE("Kinds have their paths by scope, and their verbs") {
  const auto& paths = document()["paths"];
  CHECK(paths.contains("/v1/tenants/{tenant}/robots/{name}"));
  CHECK(paths.contains("/v1/robots"));
  CHECK(paths.contains("/v1/stations/{name}"));
  CHECK_FALSE(paths.contains("/v1/tenants/{tenant}/stations"));
  CHECK(paths["/v1/tenants/{tenant}/robots/{name}:cheer"]["post"]["responses"].contains("200"));
  CHECK(paths["/v1/tenants/{tenant}/robots/{name}:fetch"]["post"]["responses"].contains("202"));
  CHECK(paths["/v1/tenants/{tenant}/robots/{name}:look"]["post"]["responses"].contains("200"));
  CHECK(paths["/v1/blobs"].contains("post"));
  CHECK(paths["/v1/blobs"].contains("get"));
}

TEST_CASE("A change names the patches that it takes") {
  const auto& patch = document()["paths"]["/v1/tenants/{tenant}/robots/{name}"]["patch"];
  const auto& content = patch["requestBody"]["content"];
  CHECK(content["application/merge-patch+json"]["schema"]["type"] == "object");
  CHECK(content["application/json-patch+json"]["schema"]["items"]["required"] == json::array({"op", "path"}));
  CHECK(content["application/apply-patch+json"]["schema"]["$ref"] == "#/components/schemas/shop.v1.Robot");
  CHECK_THAT(patch["parameters"].dump(), Catch::Contains("field_manager") && Catch::Contains("force"));
  CHECK(patch["responses"].contains("201"));
}

TEST_CASE("What goes away is marked, with what to use") {
  const auto& paths = document()["paths"];
  for (const char* path : {"/v1/stations", "/v1/stations/{name}"}) {
    for (const auto& [method, operation] : paths[path].items()) {
      if (method == "parameters") continue;
      CHECK(operation["deprecated"] == true);
      CHECK(operation["description"] == "Deprecated: use beds");
    }
  }
  const auto& robot = paths["/v1/tenants/{tenant}/robots/{name}:look"]["post"];
  CHECK(robot["deprecated"] == true);
  CHECK(robot["description"] == "Deprecated: watch it");
  CHECK_FALSE(paths["/v1/robots"]["get"].contains("deprecated"));
}

TEST_CASE("Field rules become keywords") {
  CHECK(robot_spec("arms")["minimum"] == 1);
  CHECK(robot_spec("arms")["maximum"] == 8);
  CHECK(robot_spec("arms")["default"] == 2);
  CHECK(robot_spec("mood")["enum"].dump().find("\"HAPPY\"") != std::string::npos);
  CHECK(robot_spec("model")["maxLength"] == 10);
  CHECK_THAT(robot_spec("model")["description"].get<std::string>(), Catch::Contains("cannot be changed"));
  CHECK(robot_spec("memory_bytes")["oneOf"][0]["maximum"] == 1'099'511'627'776);
  CHECK(robot_spec("memory_bytes")["oneOf"][1]["examples"][0] == "512MiB");
  CHECK(robot_spec("tools")["maxItems"] == 4);
  CHECK(robot_spec("password")["writeOnly"] == true);
  CHECK(robot_spec("image")["pattern"] == "^sha256:[0-9a-f]{64}$");
  CHECK_THAT(robot_spec("station")["description"].get<std::string>(), Catch::Contains("shop/Station"));
  CHECK(robot_spec("settings") == json({{"type", "object"}, {"additionalProperties", true}}));
  CHECK(robot_spec("badge")["properties"]["@type"]["type"] == "string");
  CHECK(robot_spec("patience")["type"] == "integer");
  const auto& tool = document()["components"]["schemas"]["shop.v1.Tool"];
  CHECK(tool["required"] == json::array({"name"}));
  CHECK(tool["properties"]["name"]["pattern"] == "^(?:[a-z0-9]([-a-z0-9]*[a-z0-9])?)$");
  const auto& everything = document()["components"]["schemas"]["shop.v1.Everything"]["properties"];
  CHECK(everything["a_time"]["format"] == "date-time");
  CHECK(everything["message_by_text"]["additionalProperties"]["$ref"] == "#/components/schemas/shop.v1.Everything");
}

TEST_CASE("All but health and login ask for a bearer token") {
  CHECK(document()["openapi"] == "3.1.0");
  CHECK(document()["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer");
  CHECK(document()["security"] == json::array({{{"bearer", json::array()}}}));
  for (const char* open : {"/healthz", "/readyz"}) CHECK(document()["paths"][open]["get"]["security"] == json::array());
  CHECK(document()["paths"]["/v1/auth/token"]["post"]["security"] == json::array());
}
