#include "host/contract/field_mask.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "host/contract/testing/testing.h"

namespace novacron::host::contract {

namespace {
using nlohmann::json;

const MessageType& robot() {
  return *testing::shop_schema()->find_kind("shop/Robot")->message;
}
const char* const kRobot = R"({"kind":"shop/Robot","metadata":{"name":"r1","labels":{"a":"b"}},
    "spec":{"arms":2,"tools":[{"name":"saw","size_bytes":1},{"name":"axe"}],
            "everything":{"message_by_text":{"x":{"a_bool":true,"an_int32":1}}}}})";

std::string kept(const char* paths) {
  const auto mask = FieldMask::parse(robot(), paths);
  if (!mask.ok()) return mask.error().message;
  json object = json::parse(kRobot);
  mask->keep(object);
  object.erase("kind");
  return object.dump();
}
std::string copied(const char* paths, const char* from) {
  json to = json::parse(kRobot)["spec"];
  json object = {{"spec", to}};
  const auto done = FieldMask::parse(robot(), paths)->copy(json::parse(from), object);
  if (!done.ok()) return done.error().message;
  object["spec"].erase("everything");
  return object["spec"].dump();
}
}  // namespace

TEST_CASE("a mask keeps the fields that it names, also those of each item") {
  CHECK(kept("metadata.name,spec.arms") == R"({"metadata":{"name":"r1"},"spec":{"arms":2}})");
  CHECK(kept("spec.tools.name") == R"({"spec":{"tools":[{"name":"saw"},{"name":"axe"}]}})");
  CHECK(kept("spec.everything.message_by_text.an_int32") ==
        R"({"spec":{"everything":{"message_by_text":{"x":{"an_int32":1}}}}})");
  CHECK(kept("metadata.labels") == R"({"metadata":{"labels":{"a":"b"}}})");
  CHECK(kept("spec.arms,metadata,metadata.name") == kept("metadata.name,metadata,spec.arms"));
  CHECK(kept("metadata.name,metadata") == R"({"metadata":{"labels":{"a":"b"},"name":"r1"}})");
  CHECK(kept("status.phase") == "{}");
}

TEST_CASE("a mask of what is not there says so") {
  CHECK(kept("") == "there is no such field");
  CHECK(kept("spec.legs") == "spec.legs: there is no such field");
  CHECK(kept("spec.arms.x") == "spec.arms.x: there is no such field");
  CHECK(kept("spec.settings.a") == "spec.settings.a: there is no such field");
  CHECK(kept("metadata.labels.a") == "metadata.labels.a: there is no such field");
  std::string many = "spec";
  for (int i = 0; i < 64; ++i) many += ",spec";
  CHECK(kept(many.c_str()) == "spec: a mask has at most 64 paths");
}

TEST_CASE("a change of the masked fields leaves the others as they are") {
  CHECK(copied("spec.arms", R"({"spec":{"arms":3,"model":"x"}})") ==
        R"({"arms":3,"tools":[{"name":"saw","size_bytes":1},{"name":"axe"}]})");
  CHECK(copied("spec.tools,spec.model", R"({"spec":{"tools":[]}})") == R"({"arms":2,"tools":[]})");
  CHECK(copied("spec.arms", "{}") == R"({"tools":[{"name":"saw","size_bytes":1},{"name":"axe"}]})");
  CHECK(copied("spec.tools.name", R"({"spec":{"tools":[]}})") ==
        "tools: is a list or a map: a mask of a change takes it as a whole");
}

}  // namespace novacron::host::contract
