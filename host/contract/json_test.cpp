#include "host/contract/json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <catch2/catch.hpp>
#include <random>

#include "host/contract/message.h"
#include "host/contract/parts.h"
#include "host/contract/testing/testing.h"
#include "host/contract/validate.h"

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;
using testing::shop_schema;

const MessageType& robot_spec() {
  return *shop_schema()->find_kind("shop/Robot")->spec;
}
const MessageType& everything() {
  return *shop_schema()->find_message("shop.v1.Everything");
}

/// The text after a trip to bytes and back, or the error.
std::string round_trip(const MessageType& type, const std::string& json) {
  const auto bytes = json_to_message(type, json);
  if (!bytes.ok()) return bytes.error().message;
  return message_to_json(type, *bytes, {Secrets::kReveal, Layout::kCompact}).value();
}

std::string spec_trip(const std::string& json) {
  return round_trip(robot_spec(), json);
}

/// Fills a message with random values; `depth` bounds what nests.
class Randomizer {
 public:
  explicit Randomizer(uint32_t seed) : random_(seed) {}

  void fill(pb::Message& message, int depth) {
    const auto& descriptor = *message.GetDescriptor();
    for (int i = 0; i < descriptor.field_count(); ++i) {
      const auto& field = *descriptor.field(i);
      if (below(3) == 0) continue;
      if (field.real_containing_oneof() && below(3) != 0) continue;
      const uint64_t count = field.is_map() ? below(3) : field.is_repeated() ? below(4) : 1;
      for (uint64_t n = 0; n < count; ++n) {
        fill_one(message, field, depth);
        if (field.is_map()) make_key_unique(message, field, n);
      }
    }
  }

 private:
  uint64_t below(uint64_t n) { return random_() % n; }

  void fill_one(pb::Message& message, const pb::FieldDescriptor& field, int depth) {
    const auto& reflection = *message.GetReflection();
    const Place place = field.is_repeated() ? Place::kAdd : Place::kSet;
    if (field.cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE)
      return write_scalar(message, field, scalar(field), place);
    const auto& name = field.message_type()->full_name();
    const bool is_time = name == "google.protobuf.Timestamp" || name == "google.protobuf.Duration";
    const bool is_mask = name == "google.protobuf.FieldMask";
    if (depth == 0 && !is_time && !is_mask) return;
    auto& child =
        field.is_repeated() ? *reflection.AddMessage(&message, &field) : *reflection.MutableMessage(&message, &field);
    if (is_time) return fill_time(child);
    if (is_mask) return write_scalar(child, *child.GetDescriptor()->field(0), text("a.b_c"), Place::kAdd);
    fill(child, depth - 1);
  }

  /// Of two entries: their keys differ in every type.
  static void make_key_unique(pb::Message& message, const pb::FieldDescriptor& field, uint64_t n) {
    const auto& reflection = *message.GetReflection();
    const int size = reflection.FieldSize(message, &field);
    if (size == 0) return;
    auto& entry = *reflection.MutableRepeatedMessage(&message, &field, size - 1);
    const auto& slot = *entry.GetDescriptor()->map_key();
    Scalar key = read_scalar(entry, slot);
    key.text += std::to_string(n);
    key.flag = n == 1;
    key.integer = key.integer << 1 | static_cast<int64_t>(n);
    write_scalar(entry, slot, key, Place::kSet);
  }

  static Scalar text(std::string value) {
    Scalar scalar;
    scalar.text = std::move(value);
    return scalar;
  }

  void fill_time(pb::Message& message) {
    Scalar scalar;
    scalar.integer = static_cast<int64_t>(below(250'000'000'000));
    write_scalar(message, *message.GetDescriptor()->field(0), scalar, Place::kSet);
    scalar.integer = static_cast<int64_t>(below(1'000'000'000));
    write_scalar(message, *message.GetDescriptor()->field(1), scalar, Place::kSet);
  }

  Scalar scalar(const pb::FieldDescriptor& field) {
    Scalar out;
    out.integer = static_cast<int64_t>(random_()) >> below(64);
    if (below(8) == 0) out.integer = below(2) == 0 ? INT64_MIN : -1;
    out.flag = below(2) == 0;
    out.number = static_cast<double>(out.integer) / static_cast<double>(1 + below(1000));
    for (uint64_t i = below(12); i > 0; --i)
      out.text += random_character(field.type() == pb::FieldDescriptor::TYPE_BYTES);
    return out;
  }

  std::string random_character(bool any_byte) {
    static const std::vector<std::string> kCharacters = {"a",    "\"", "\\", "\n", std::string(1, '\0'),
                                                         "\x7f", "é",  "😀",  "/"};
    return any_byte ? std::string(1, static_cast<char>(below(256))) : kCharacters[below(kCharacters.size())];
  }

  std::mt19937_64 random_;
};

/// As stored: maps in the order of their keys.
std::string normalized(const MessageType& type, const pb::Message& message) {
  return serialize(*parse_message(type, serialize(message)).value());
}
}  // namespace

TEST_CASE("random messages come back from JSON as they went") {
  const uint32_t seed = std::random_device()();
  CAPTURE(seed);
  Randomizer random(seed);
  for (int i = 0; i < 2'000; ++i) {
    const std::unique_ptr<pb::Message> message(everything().prototype->New());
    random.fill(*message, 3);
    const std::string bytes = normalized(everything(), *message);
    const auto json = message_to_json(everything(), bytes);
    REQUIRE(json.ok());
    const auto back = json_to_message(everything(), *json);
    CAPTURE(*json);
    if (!back.ok()) FAIL(back.error().message);
    REQUIRE(*back == bytes);
  }
}

TEST_CASE("of map entries with the same key the last one counts") {
  const std::string twice =
      "\x9a\x02\x06\x0a\x01k\x12\x01"
      "a"
      "\x9a\x02\x06\x0a\x01k\x12\x01"
      "b";
  CHECK(message_to_json(everything(), twice).value() == R"({"text_by_text":{"k":"b"}})");
}

TEST_CASE("values are written in one form and read in several") {
  CHECK(spec_trip(R"({"memory_bytes":"512MiB"})") == R"({"memory_bytes":536870912})");
  CHECK(spec_trip(R"({"memory_bytes":"4096"})") == R"({"memory_bytes":4096})");
  CHECK(spec_trip(R"({"memory_bytes":4096.0})") == R"({"memory_bytes":4096})");
  CHECK(spec_trip(R"({"grace_ns":"1h30m"})") == R"({"grace_ns":5400000000000})");
  CHECK(spec_trip(R"({"speed_millis":"2"})") == R"({"speed_millis":2000})");
  CHECK(spec_trip(R"({"speed_millis":2})") == R"({"speed_millis":2})");
  CHECK(spec_trip(R"({"mood":"HAPPY"})") == R"({"mood":"HAPPY"})");
  CHECK(spec_trip(R"({"mood":"MOOD_HAPPY"})") == R"({"mood":"HAPPY"})");
  CHECK(spec_trip(R"({"mood":77})") == R"({"mood":77})");
  CHECK(spec_trip(R"({"arms":"3"})") == R"({"arms":3})");
  CHECK(spec_trip(R"({"firmware":"_-8="})") == R"({"firmware":"/+8="})");
  const auto all = [](const std::string& json) { return round_trip(everything(), json); };
  CHECK(all(R"({"a_uint64":18446744073709551615})") == R"({"a_uint64":18446744073709551615})");
  CHECK(all(R"({"an_int64":"-9223372036854775808"})") == R"({"an_int64":-9223372036854775808})");
  CHECK(all(R"({"a_double":"NaN","a_float":0.1})") == R"({"a_float":0.1,"a_double":"NaN"})");
  CHECK(all(R"({"a_time":"2026-01-02T03:04:05+01:00"})") == R"({"a_time":"2026-01-02T02:04:05Z"})");
  CHECK(all(R"({"a_duration":"1.50s","a_mask":"a,b.c"})") == R"({"a_duration":"1.5s","a_mask":"a,b.c"})");
  CHECK(all(R"({"enum_by_flag":{"true":"ONE"}})") == R"({"enum_by_flag":{"true":"ONE"}})");
  CHECK(all(R"({"message_by_text":{"":{"a_bool":true}}})") == R"({"message_by_text":{"":{"a_bool":true}}})");
}

TEST_CASE("absent differs from zero where the field has presence") {
  CHECK(spec_trip(R"({"arms":0})") == R"({"arms":0})");
  CHECK(spec_trip(R"({"arms":null})") == "{}");
  CHECK(round_trip(everything(), R"({"maybe_bool":false,"a_bool":false})") == R"({"maybe_bool":false})");
  CHECK(spec_trip(R"({"everything":{}})") == R"({"everything":{}})");
}

TEST_CASE("every violation is reported with its path") {
  const auto refused = [](const std::string& json) { return json_to_message(robot_spec(), json, "spec").error(); };
  CHECK(refused(R"({"tools":[{"name":"a"},{"sise":1}]})").message == "spec.tools[1].sise: unknown field");
  CHECK(refused(R"({"tools":[{"size":1}]})").message == "spec.tools[0].size: unknown field; did you mean size_bytes?");
  CHECK(refused(R"({"memoryBytes":1})").message == "spec.memoryBytes: unknown field; did you mean memory_bytes?");
  CHECK(refused(R"({"arms":"many"})").message == "spec.arms: must be a whole number from 0 to 4294967295");
  CHECK(refused(R"({"arms":-1})").message == "spec.arms: must be a whole number from 0 to 4294967295");
  CHECK(refused(R"({"arms":1.5})").message == "spec.arms: must be a whole number from 0 to 4294967295");
  CHECK(refused(R"({"memory_bytes":"lots"})").message ==
        "spec.memory_bytes: must be a whole number of bytes such as 512MiB, 2G or 4096");
  CHECK(refused(R"({"grace_ns":"30"})").message ==
        "spec.grace_ns: must be a duration with its unit, such as 30s or 1h30m");
  CHECK(refused(R"({"mood":"ANGRY"})").message == "spec.mood: must be one of HAPPY, SAD");
  CHECK(refused(R"({"tools":{}})").message == "spec.tools: must be a list");
  CHECK(refused(R"({"tools":[null]})").message == "spec.tools[0]: must not be null");
  CHECK(refused(R"({"keys":{"a":1}})").message == "spec.keys[\"a\"]: must be a string");
  CHECK(refused(R"([])").message == "spec: must be an object");
  CHECK(refused(R"({"firmware":"*"})").message == "spec.firmware: must be bytes in base64");
  CHECK(refused(R"({"everything":{"left":"a","right":1}})").message ==
        "spec.everything.right: cannot be set together with left");
  const auto many = refused(R"({"arms":-1,"mood":1.5,"model":7})");
  CHECK(many.fields.size() == 3);
  CHECK(many.reason == "field.invalid");
}

TEST_CASE("no more violations are kept than the limit") {
  std::string json = "{";
  for (int i = 0; i < 100; ++i) json += (i ? ",\"x" : "\"x") + std::to_string(i) + "\":1";
  const auto error = json_to_message(robot_spec(), json + "}").error();
  CHECK(error.fields.size() == kMaxViolations);
  CHECK(error.message.ends_with("(and 99 more)"));
}

TEST_CASE("text that is no JSON is refused") {
  const auto reason = [](const std::string& json) { return json_to_message(everything(), json).error().reason; };
  for (const auto* bad :
       {"", "{", "{\"a_bool\":}", "{} {}", "{\"a_string\":\"\xff\"}", "nul", "{\"a_int\":01}", "'a'"}) {
    CAPTURE(bad);
    CHECK(reason(bad) == "json.invalid");
  }
  CHECK(json_to_message(everything(), R"({"a_bool":true,"a_bool":false})").error().message ==
        "the key \"a_bool\" is there twice");
}

TEST_CASE("nesting is bounded, in JSON and in bytes") {
  const auto nested = [](size_t depth) {
    std::string json;
    for (size_t i = 1; i < depth; ++i) json += "{\"nested\":";
    json += "{}";
    for (size_t i = 1; i < depth; ++i) json += "}";
    return json;
  };
  CHECK(json_to_message(everything(), nested(kMaxJsonDepth)).ok());
  CHECK(json_to_message(everything(), nested(kMaxJsonDepth + 1)).error().message == "nested deeper than 64");
  CHECK(json_to_message(everything(), std::string(1'000'000, '[')).error().message == "nested deeper than 64");
  CHECK(message_to_json(everything(), *json_to_message(everything(), nested(50))).ok());
  CHECK(message_to_json(everything(), *json_to_message(everything(), nested(64))).error().reason == "message.corrupt");
  CHECK(message_to_json(everything(), "\xff\xff").error().reason == "message.corrupt");
}

TEST_CASE("a merge patch changes, adds and removes") {
  CHECK(merge_patch(R"({"a":{"b":1,"c":2},"d":[1]})", R"({"a":{"b":null,"e":3},"d":[2]})").value() ==
        R"({"a":{"c":2,"e":3},"d":[2]})");
  CHECK(merge_patch("{}", R"({"a":{"b":null}})").value() == R"({"a":{}})");
  CHECK(merge_patch("{}", "[]").error().message == "a merge patch of an object must be an object");
  CHECK(merge_patch("{}", "{").error().reason == "json.invalid");
}

TEST_CASE("secrets are masked unless somebody asks for them") {
  const auto bytes = json_to_message(robot_spec(), R"({"password":"p","keys":{"a":"b","c":""},"tools":[{"pin":"1"}]})");
  REQUIRE(bytes.ok());
  CHECK(message_to_json(robot_spec(), *bytes).value() ==
        R"({"tools":[{"pin":"********"}],"password":"********","keys":{"a":"********","c":""}})");
  CHECK(message_to_json(robot_spec(), *bytes, {Secrets::kReveal, Layout::kCompact}).value() ==
        R"({"tools":[{"pin":"1"}],"password":"p","keys":{"a":"b","c":""}})");
}

TEST_CASE("an object says its kind, and may not say another") {
  const auto& kind = *shop_schema()->find_kind("shop/Robot");
  const auto parts = parts_from_json(kind, R"({"kind":"Robot","metadata":{"name":"r1"},"spec":{"arms":2}})");
  REQUIRE(parts.ok());
  CHECK(parts_to_json(kind, *parts).value() == R"({"kind":"shop/Robot","metadata":{"name":"r1"},"spec":{"arms":2}})");
  CHECK(parts_to_json(kind, *parts, {Secrets::kMask, Layout::kPretty}).value() ==
        "{\n  \"kind\": \"shop/Robot\",\n  \"metadata\": {\n    \"name\": \"r1\"\n  },\n  \"spec\": {\n    \"arms\": "
        "2\n  }\n}");
  CHECK(parts_from_json(kind, R"({"kind":"shop/Station"})").error().message == "kind: must be shop/Robot");
  const auto again = split_parts(kind, join_parts(*parts));
  REQUIRE(again.ok());
  CHECK(again->spec == parts->spec);
}

TEST_CASE("what a person types becomes JSON of the field") {
  const auto typed = [](const char* field, std::string_view text) {
    const auto json = text_to_json(*robot_spec().find(field), text);
    return json.ok() ? *json : json.error().message;
  };
  CHECK(typed("arms", "3") == "\"3\"");
  CHECK(typed("memory_bytes", "512MiB") == "\"512MiB\"");
  CHECK(typed("mood", "SAD") == "\"SAD\"");
  CHECK(typed("mood", "GLUM") == "must be one of HAPPY, SAD");
  CHECK(typed("firmware", "foo") == "\"Zm9v\"");
  CHECK(text_to_json(*everything().find("a_bool"), "true").value() == "true");
  CHECK(text_to_json(*everything().find("a_bool"), "yes").error().message == "must be true or false");
  CHECK(text_to_json(*everything().find("a_double"), "1.5").value() == "1.5");
}

TEST_CASE("a text that is JSON is the value itself in documents") {
  const auto& type = *shop_schema()->find_message("novacron.core.v1.OperationStatus");
  const std::string document = R"({"percent":5,"reply":{"a":[1,null,"x"]}})";
  CHECK(round_trip(type, document) == document);
  CHECK(round_trip(type, R"({"reply":"text"})") == R"({"reply":"text"})");
  const auto bytes =
      json_to_message(type, R"({"message":"x"})").value() + "\x52\x05{oops";  // reply, as nobody may write it
  CHECK(message_to_json(type, bytes).value() == R"({"message":"x","reply":"{oops"})");
  CHECK(validate(type, bytes, nullptr, "status").error().message == "status.reply: must be JSON");
}

}  // namespace novacron::host::contract
