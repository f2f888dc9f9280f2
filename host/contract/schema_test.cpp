#include "host/contract/schema.h"

#include <catch2/catch.hpp>

#include "host/contract/testing/testing.h"

namespace novacron::host::contract {

using testing::compile_proto;
using testing::shop_descriptor_set;
using testing::shop_schema;

namespace {
const std::string kHead = R"(syntax = "proto3"; package a.v1;
import "novacron/core/v1/resource.proto"; import "novacron/options.proto";
)";
const std::string kVersion = R"(option (novacron.contract) = { version: "1.0.0" };
)";

/// A file with the kind Thing, whose options and fields are given.
std::string kind_text(const std::string& options, const std::string& fields, const std::string& rest = "") {
  return kHead + kVersion + "message Thing { option (novacron.kind) = {" + options + "}; " + fields + " }\n" + rest;
}

const std::string kFields = "novacron.core.v1.Metadata metadata = 1; Spec spec = 2;";

Result<std::shared_ptr<const Schema>> build(const std::string& text) {
  return Schema::create({{"a.v1", compile_proto("a.proto", text)}});
}

/// "path: message" of each violation, one a line.
std::string complaints(const std::string& text) {
  const auto schema = build(text);
  if (schema.ok()) return "none";
  std::string out;
  for (const auto& field : schema.error().fields) out += field.path + ": " + field.message + "\n";
  return out.empty() ? schema.error().message : out;
}
}  // namespace

TEST_CASE("the host's own contract keeps its own rules") {
  const auto schema = Schema::create({});
  REQUIRE(schema.ok());
  REQUIRE((*schema)->find_kind("novacron.core/Plugin") != nullptr);
  CHECK((*schema)->find_noun("op")->id == "novacron.core/Operation");
  CHECK((*schema)->find_noun("plugins")->scope == Scope::kHost);
  CHECK((*schema)->find_kind("novacron.core/Plugin")->find_verb("enable")->ready_when != nullptr);
  CHECK((*schema)->find_service("novacron.core.v1.Resources")->methods.size() == 8);
}

TEST_CASE("a contract's kinds come with their verbs, actions, columns and fields") {
  const auto* kind = shop_schema()->find_noun("rb");
  REQUIRE(kind != nullptr);
  CHECK(kind->id == "shop/Robot");
  CHECK(kind->plural == "robots");
  CHECK(kind->find_verb("cheer") != nullptr);
  CHECK(kind->find_action("fetch")->method.timeout_ms == 60'000);
  CHECK(kind->find_action("fetch")->method.flags == 16);
  CHECK(kind->find_action("look")->read_only);
  REQUIRE(kind->columns.size() == 2);
  CHECK(kind->columns[0].heading == "ARMS");
  CHECK(kind->columns[1].path == "status.phase");
  CHECK(kind->spec->find("memory_bytes")->unit == Unit::kBytes);
  CHECK(kind->spec->find("mood")->enumeration->values[1].name == "HAPPY");
  CHECK(kind->spec->find("tools")->list_keys == std::vector<std::string>{"name"});
  CHECK(kind->spec->find("leader")->ref->on_delete == OnDelete::kCascade);
  CHECK(kind->spec->find("keys")->cardinality == Cardinality::kMap);
}

TEST_CASE("what a schema serves builds an equal schema") {
  const auto again = Schema::parse(shop_schema()->serialize());
  REQUIRE(again.ok());
  CHECK((*again)->digest() == shop_schema()->digest());
  CHECK((*again)->kinds().size() == shop_schema()->kinds().size());
  CHECK((*again)->contracts().size() == 2);
}

TEST_CASE("a contract that only another one imports brings no kinds") {
  const auto set = compile_proto("shop/v1/other.proto", kHead + kVersion);
  const auto contracts = contracts_of(shop_descriptor_set());
  REQUIRE(contracts.ok());
  REQUIRE(contracts->size() == 1);
  CHECK(contracts->front().package == "shop.v1");
  CHECK(Schema::create({{"shop.v2", shop_descriptor_set()}}).error().message ==
        "the descriptor set has no package shop.v2");
}

TEST_CASE("bytes that are no descriptor set, or too many, are refused") {
  CHECK(Schema::create({{"a.v1", "garbage"}}).error().reason == "contract.invalid");
  CHECK(Schema::create({{"a.v1", std::string(kMaxDescriptorSetBytes + 1, 'x')}}).error().reason ==
        "contract.too-large");
}

TEST_CASE("the linter says what is wrong with a kind and what to do instead") {
  const std::string spec = "message Spec { string a = 1; }";
  const std::string good = "plural: \"things\" scope: SCOPE_HOST";
  const auto of = [&](const std::string& options, const std::string& fields) {
    return complaints(kind_text(options, fields, spec));
  };
  CHECK(of(good, kFields) == "none");
  CHECK(of("plural: \"things\"", kFields) ==
        "a.v1.Thing: (novacron.kind): scope is missing: say SCOPE_TENANT or SCOPE_HOST\n");
  CHECK(of("plural: \"Things\" scope: SCOPE_HOST", kFields) ==
        "a.v1.Thing: (novacron.kind): plural must be lower-case letters, digits and dashes, such as "
        "\"robots\"\n");
  CHECK(of(good + " short: \"apply\"", kFields) ==
        "a.v1.Thing: (novacron.kind): the name \"apply\" is reserved; choose another\n");
  CHECK(of(good, "Spec metadata = 1; Spec spec = 2;") == "a.v1.Thing.metadata: must be a novacron.core.v1.Metadata\n");
  CHECK(of(good, "novacron.core.v1.Metadata metadata = 1;") ==
        "a.v1.Thing.spec: is missing: a kind needs the field spec = 2\n");
  CHECK(of(good, kFields + " string extra = 4;") ==
        "a.v1.Thing.extra: a kind has the fields metadata, spec and status only; move it into one of them\n");
  CHECK(of(good + " verbs: { name: \"delete\" patch: '{\"spec\":{}}' }", kFields) ==
        "a.v1.Thing: (novacron.kind): the verb \"delete\" is built in for every kind; choose another\n");
  CHECK(of(good + " verbs: { name: \"go\" patch: '{\"spec\":{\"b\":1}}' }", kFields) ==
        "a.v1.Thing: (novacron.kind): the patch of the verb \"go\" does not fit: spec.b: unknown field; did you mean "
        "a?\n");
  CHECK(of(good + " verbs: { name: \"go\" patch: '{\"metadata\":{}}' }", kFields) ==
        "a.v1.Thing: (novacron.kind): the patch of the verb \"go\" must be an object with \"spec\" alone: "
        "{\"spec\":{…}}\n");
  CHECK(of(good + " deprecated: { since: \"2026-11-30\" sunset: \"2027-11-30\" }", kFields) == "none");
  CHECK(of(good + " deprecated: { since: \"soon\" }", kFields) ==
        "a.v1.Thing: deprecated.since must be a day such as \"2026-11-30\"\n");
  CHECK(of(good + " deprecated: { since: \"2026-11-30\" sunset: \"2026-02-30\" }", kFields) ==
        "a.v1.Thing: deprecated.sunset must be a day such as \"2026-11-30\"\n");
  CHECK(of(good + " ready_when: \"spec.b == 1\"", kFields) == "a.v1.Thing: ready_when: there is no field \"spec.b\"\n");
}

TEST_CASE("the linter says what is wrong with a field") {
  const auto of = [&](const std::string& field) {
    const std::string rest =
        "message Spec { " + field + " }\nmessage Item { string name = 1; repeated string many = 2; }";
    return complaints(kind_text("plural: \"things\" scope: SCOPE_HOST", kFields, rest));
  };
  CHECK(of("uint64 a = 1 [(novacron.unit) = UNIT_BYTES];") == "none");
  CHECK(of("string a = 1 [(novacron.unit) = UNIT_BYTES];") == "a.v1.Spec.a: (novacron.unit) is for integers\n");
  CHECK(of("uint64 a = 1 [(novacron.blob) = true];") == "a.v1.Spec.a: (novacron.blob) is for strings\n");
  CHECK(of("repeated string a = 1 [(novacron.secret) = true];") ==
        "a.v1.Spec.a: (novacron.secret) is for strings, bytes, and maps of them\n");
  CHECK(of("repeated Item a = 1 [(novacron.list) = { type: MAP keys: \"id\" }];") ==
        "a.v1.Spec.a: (novacron.list): a.v1.Item has no field \"id\" to be a key\n");
  CHECK(of("repeated Item a = 1 [(novacron.list) = { type: MAP keys: \"many\" }];") ==
        "a.v1.Spec.a: (novacron.list): the key \"many\" must be one string or integer\n");
  CHECK(of("string a = 1 [(novacron.rules) = { pattern: \"(\" }];") ==
        "a.v1.Spec.a: (novacron.rules): pattern: missing ): (\n");
  CHECK(of("uint32 a = 1 [(novacron.rules) = { default_json: \"-1\" }];") ==
        "a.v1.Spec.a: (novacron.rules): default_json: must be a whole number from 0 to 4294967295\n");
  CHECK(of("uint32 a = 1 [(novacron.rules) = { range: { min: 2 max: 1 } }];") ==
        "a.v1.Spec.a: (novacron.rules): min is above max\n");
  CHECK(of("string a = 1 [(novacron.cli) = { flag: \"-x\" }];") ==
        "a.v1.Spec.a: (novacron.cli): flag must be two dashes and lower-case words, such as \"--memory\"\n");
}

TEST_CASE("a package needs one version that fits its name") {
  CHECK(complaints(kHead) == "a.v1: no file has option (novacron.contract) with the version of the package\n");
  CHECK(complaints(kHead + R"(option (novacron.contract) = { version: "2.0.0" };)") ==
        "a.v1: (novacron.contract): version 2.0.0 needs a package that ends in .v2\n");
  CHECK(complaints(kHead + R"(option (novacron.contract) = { version: "1.0" };)") ==
        "\"1.0\" is no version: it must be major.minor.patch");
  CHECK(complaints(R"(syntax = "proto2"; package a.v1; import "novacron/options.proto";)" + kVersion) ==
        "a.proto: must be syntax = \"proto3\": other interfaces know no required fields, groups or closed enums\n");
}

TEST_CASE("an action needs a kind of its package and a place for the object") {
  const std::string rest = R"(message Spec {} message Request { string object = 1; }
    service S { rpc Go(Request) returns (Request) { option (novacron.action) = { kind: "Thing" verb: "go" }; }
                rpc Do(Request) returns (Request) { option (novacron.action) = { kind: "Ding" verb: "do" }; } })";
  CHECK(complaints(kind_text("plural: \"things\" scope: SCOPE_HOST", kFields, rest)) ==
        "a.v1.S.Do: (novacron.action): a.v1.Ding is no kind of this package\n"
        "a.v1.S.Go: (novacron.action): the request needs the field novacron.core.v1.ObjectRef object = 1\n");
}

namespace {
std::string versioned(const std::string& version, const std::string& rest) {
  return compile_proto("a.proto", kHead + "option (novacron.contract) = { version: \"" + version + "\" };" + rest);
}

std::string disagreement(const std::string& older, const std::string& newer) {
  const auto schema = Schema::create({{"a.v1", versioned("1.1.0", newer)}, {"a.v1", versioned("1.0.0", older)}});
  if (schema.ok()) return "none";
  CHECK(schema.error().reason == "contract.incompatible");
  return schema.error().message;
}
}  // namespace

TEST_CASE("a newer minor may add, but must hold all that the older ones define") {
  CHECK(disagreement("message M { int32 a = 1; }", "message M { int32 a = 1; string b = 2; } message N {}") == "none");
  CHECK(disagreement("message M { int32 a = 1; }", "message M {}") == "a.v1.M.a: field 1 was removed");
  CHECK(disagreement("message M { int32 a = 1; }", "message M { int64 a = 1; }") ==
        "a.v1.M.a: its type changed from TYPE_INT32 to TYPE_INT64");
  CHECK(disagreement("message M { int32 a = 1; }", "message M { int32 b = 1; }") == "a.v1.M.a: field 1 is now named b");
  CHECK(disagreement("message M { int32 a = 1; }", "message M { repeated int32 a = 1; }") ==
        "a.v1.M.a: its type changed from TYPE_INT32 to repeated TYPE_INT32");
  CHECK(disagreement("message M { reserved 2; }", "message M { int32 a = 2; }") ==
        "a.v1.M.a: its number 2 was reserved");
  CHECK(disagreement("message M {}", "") == "a.v1.M: the message was removed");
  CHECK(disagreement("enum E { A = 0; B = 1; }", "enum E { A = 0; B = 2; }") == "a.v1.E.B: its number changed");
  CHECK(disagreement("message M {} service S { rpc F(M) returns (M); }", "message M {} service S {}") ==
        "a.v1.S.F: the method was removed");
  CHECK(disagreement("message M {} service S { rpc F(M) returns (M); }",
                     "message M {} service S { rpc F(M) returns (stream M); }") ==
        "a.v1.S.F: the signature of the method changed");
}

TEST_CASE("a newer minor may not give a new meaning to what older ones wrote, nor ask more of them") {
  CHECK(disagreement("message M { uint64 a = 1; }", "message M { uint64 a = 1 [(novacron.unit) = UNIT_BYTES]; }") ==
        "a.v1.M.a: (novacron.unit) changed");
  CHECK(disagreement("message M { string a = 1; }", "message M { string a = 1 [(novacron.secret) = true]; }") ==
        "a.v1.M.a: (novacron.secret) changed");
  CHECK(disagreement("message I { string n = 1; } message M { repeated I a = 1; }",
                     "message I { string n = 1; } message M { repeated I a = 1 [(novacron.list) = { type: MAP keys: "
                     "\"n\" }]; }") == "a.v1.M.a: (novacron.list) changed");
  CHECK(disagreement("message M { string a = 1; }",
                     "message M { string a = 1 [(novacron.rules) = { required: true }]; }") ==
        "a.v1.M.a: it became required, which older writers do not know");
  CHECK(disagreement("message M {}", "message M { string a = 1 [(novacron.rules) = { required: true }]; }") ==
        "a.v1.M.a: it is new and required, which older writers do not know; give it a default");
  CHECK(disagreement("message M {}",
                     "message M { string a = 1 [(novacron.rules) = { required: true default_json: '\"x\"' }]; }") ==
        "none");
}

TEST_CASE("two contracts with the same version must agree in both directions") {
  const auto one = versioned("1.0.0", "message M { int32 a = 1; }");
  const auto two = versioned("1.0.0", "message M { int32 a = 1; int32 b = 2; }");
  CHECK(Schema::create({{"a.v1", one}, {"a.v1", one}}).ok());
  CHECK(Schema::create({{"a.v1", one}, {"a.v1", two}}).error().message == "a.v1.M.b: field 2 was removed");
}

TEST_CASE("names go to whoever came first") {
  const std::string a = kind_text("plural: \"robots\" short: \"rb\" scope: SCOPE_HOST", kFields, "message Spec {}");
  const auto set = compile_proto("a.proto", a);
  const auto schema = Schema::create({{"shop.v1", shop_descriptor_set()}, {"a.v1", set}});
  REQUIRE(schema.ok());
  CHECK((*schema)->find_noun("rb")->id == "shop/Robot");
  CHECK((*schema)->find_segment("robots")->id == "shop/Robot");
  CHECK((*schema)->find_segment("robots.a")->id == "a/Thing");
  CHECK((*schema)->find_noun("Thing")->short_names.empty());
}

}  // namespace novacron::host::contract
