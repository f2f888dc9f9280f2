#include "host/contract/versions.h"

#include <catch2/catch.hpp>

#include "host/contract/schema.h"
#include "host/contract/testing/testing.h"

namespace novacron::host::contract {

using testing::compile_proto;

namespace {
/// The kind a/Thing in a package of this version.
std::string package(int version, const std::string& spec, const std::string& options = "",
                    const std::string& rest = "") {
  const std::string v = std::to_string(version);
  return compile_proto("a" + v + ".proto", R"(syntax = "proto3"; package a.v)" + v + R"(;
import "google/protobuf/struct.proto"; import "google/protobuf/timestamp.proto";
import "novacron/core/v1/resource.proto"; import "novacron/options.proto";
option (novacron.contract) = { version: ")" + v +
                                               R"(.0.0" };
message Thing { option (novacron.kind) = { plural: "things" scope: SCOPE_HOST )" +
                                               options + R"( };
  novacron.core.v1.Metadata metadata = 1; Spec spec = 2; }
message Spec { )" + spec + "}\n" + rest);
}

const std::string kFromV1 = "converts_from: \"a.v1\"";

Result<std::shared_ptr<const Schema>> both(const std::string& older, const std::string& newer,
                                           const std::string& options = kFromV1, const std::string& rest1 = "",
                                           const std::string& rest2 = "") {
  return Schema::create({{"a.v1", package(1, older, "", rest1)}, {"a.v2", package(2, newer, options, rest2)}});
}

std::string complaint(const std::string& older, const std::string& newer, const std::string& options = kFromV1,
                      const std::string& rest1 = "", const std::string& rest2 = "") {
  const auto schema = both(older, newer, options, rest1, rest2);
  return schema.ok() ? "none" : schema.error().message;
}
}  // namespace

TEST_CASE("the newest version is the kind, and the others are its older ones") {
  const auto schema = both("string size = 1;", "string length = 1 [(novacron.renamed_from) = \"size\"]; string b = 2;");
  REQUIRE(schema.ok());
  const auto* kind = (*schema)->find_kind("a/Thing");
  REQUIRE(kind != nullptr);
  CHECK(kind->version == "v2");
  CHECK(kind->segment == "things");
  CHECK(kind->find_version("v2") == kind);
  REQUIRE(kind->find_version("v1") != nullptr);
  CHECK(kind->find_version("v1")->spec->find("size") != nullptr);
  CHECK(kind->find_version("v3") == nullptr);
  CHECK((*schema)->find_segment("things.a") == nullptr);
  const auto again = Schema::parse((*schema)->serialize());
  REQUIRE(again.ok());
  CHECK((*again)->find_kind("a/Thing")->older.size() == 1);
}

TEST_CASE("which of them was installed first does not matter, and three are a chain") {
  const auto schema = Schema::create({{"a.v3", package(3, "string a = 1;", "converts_from: \"a.v2\"")},
                                      {"a.v1", package(1, "string a = 1;")},
                                      {"a.v2", package(2, "string a = 1;", kFromV1)}});
  REQUIRE(schema.ok());
  const auto* kind = (*schema)->find_kind("a/Thing");
  REQUIRE(kind->older.size() == 2);
  CHECK(kind->version + kind->older[0].version + kind->older[1].version == "v3v2v1");
}

TEST_CASE("a version whose predecessor is not installed stands alone") {
  const auto schema =
      Schema::create({{"a.v2", package(2, "string b = 1 [(novacron.renamed_from) = \"a\"];", kFromV1)}});
  REQUIRE(schema.ok());
  CHECK((*schema)->find_kind("a/Thing")->older.empty());
}

TEST_CASE("two versions of which none converts from the other are refused") {
  CHECK(complaint("string a = 1;", "string a = 1;", "") ==
        "a.v2.Thing: (novacron.kind): a.v1 has the kind a/Thing too; the newer of them must say converts_from");
  for (const char* wrong : {"b.v1", "a.v2", "a.v3", "a.v10", "a"}) {
    CAPTURE(wrong);
    const auto alone = package(2, "string a = 1;", std::string("converts_from: \"") + wrong + "\"");
    CHECK(Schema::create({{"a.v2", alone}}).error().message ==
          "a.v2.Thing: (novacron.kind): converts_from must be an older version of the package, such as \"a.v1\"");
  }
}

TEST_CASE("a version may rename, add and leave out, as long as the bytes mean the same") {
  CHECK(complaint("string a = 1; string b = 2;", "reserved 2; string a = 1; string c = 3;") == "none");
  CHECK(complaint("string a = 1;", "string b = 1;") ==
        "a.v2.Spec.b: field 1 was named a: say (novacron.renamed_from) = \"a\"");
  CHECK(complaint("string a = 1;", "string a = 1 [(novacron.renamed_from) = \"b\"];") ==
        "a.v2.Spec.a: is named as before: renamed_from is wrong");
  CHECK(complaint("string a = 1;", "string a = 1; string c = 3 [(novacron.renamed_from) = \"b\"];") ==
        "a.v2.Spec.c: there is no field of its number in the version before");
  CHECK(complaint("string a = 1; string b = 2;", "string a = 1;") ==
        "a.v2.Spec: leaves out field 2 (b); reserve its number");
  CHECK(complaint("string a = 1; string b = 2 [(novacron.secret) = true];", "reserved 2; string a = 1;") ==
        "a.v2.Spec: leaves out the secret b, which would be shown");
  CHECK(complaint("reserved 2; string a = 1;", "string a = 1; string b = 2;") ==
        "a.v2.Spec.b: its number 2 was reserved");
}

TEST_CASE("a version may not give the bytes another meaning") {
  const std::string type = "its type changed since the version before; give the new one a number of its own";
  for (const auto& [older, newer] : std::vector<std::pair<std::string, std::string>>{
           {"uint32 a = 1;", "uint64 a = 1;"},
           {"int32 a = 1;", "sint32 a = 1;"},
           {"string a = 1;", "repeated string a = 1;"},
           {"string a = 1;", "optional string a = 1;"},
           {"google.protobuf.Struct a = 1;", "google.protobuf.Timestamp a = 1;"},
           {"map<string, string> a = 1;", "map<int32, string> a = 1;"}}) {
    CAPTURE(older, newer);
    CHECK(complaint(older, newer) == "a.v2.Spec.a: " + type);
  }
  CHECK(complaint("uint64 a = 1;", "uint64 a = 1 [(novacron.unit) = UNIT_BYTES];") ==
        "a.v2.Spec.a: (novacron.unit) changed since the version before");
  CHECK(complaint("string a = 1;", "string a = 1 [(novacron.secret) = true];") ==
        "a.v2.Spec.a: (novacron.secret) changed since the version before");
  CHECK(complaint("string a = 1;", "string a = 1 [(novacron.rules) = { required: true }];") ==
        "a.v2.Spec.a: \"required\" changed since the version before");
  CHECK(complaint("string a = 1;", "string a = 1; string b = 2 [(novacron.rules) = { required: true }];") ==
        "a.v2.Spec.b: it is new and required, which writers of the version before do not know; give it a default");
}

TEST_CASE("messages and enums within are compared too") {
  const std::string item1 = "message Item { string name = 1; Item next = 2; } enum Mood { NONE = 0; GLAD = 1; }";
  const std::string item2 =
      "message Item { string label = 1 [(novacron.renamed_from) = \"name\"]; Item next = 2; } enum Mood { NIL = 0; "
      "HAPPY = 1; }";
  const std::string fields1 = "repeated Item a = 1 [(novacron.list) = { type: MAP keys: \"name\" }]; Mood m = 2;";
  const std::string fields2 = "repeated Item a = 1 [(novacron.list) = { type: MAP keys: \"label\" }]; Mood m = 2;";
  CHECK(complaint(fields1, fields2, kFromV1, item1, item2) == "none");
  CHECK(complaint(fields1, fields2, kFromV1, item1,
                  "message Item { string label = 1; Item next = 2; } enum Mood { NIL = 0; HAPPY = 1; }") ==
        "a.v2.Item.label: field 1 was named name: say (novacron.renamed_from) = \"name\"");
  CHECK(complaint("Mood m = 1;", "Mood m = 1;", kFromV1, item1, "enum Mood { NIL = 0; SAD = 2; }") ==
        "a.v2.Spec.m: the value GLAD (1) of the version before is missing");
}

TEST_CASE("a kind keeps its scope, its plural and its verbs") {
  const auto of = [](const std::string& text) {
    const auto schema = Schema::create(
        {{"a.v1", package(1, "string a = 1;", "verbs: { name: \"go\" patch: '{\"spec\":{\"a\":\"x\"}}' }")},
         {"a.v2", package(2, "string a = 1;", text)}});
    return schema.ok() ? std::string("none") : schema.error().message;
  };
  CHECK(of(kFromV1 + " verbs: { name: \"go\" patch: '{\"spec\":{\"a\":\"y\"}}' }") == "none");
  CHECK(of(kFromV1) == "a.v2.Thing: (novacron.kind): the verb go of a.v1 is missing");
}

}  // namespace novacron::host::contract
