#include "host/contract/json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <catch2/catch.hpp>
#include <random>

#include "host/contract/message.h"
#include "host/contract/parts.h"
#include "host/contract/testing/testing.h"

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
    if (name == "google.protobuf.Value") return fill_value(child, depth);
    if (name == "google.protobuf.Struct") return fill_structure(child, depth);
    if (name == "google.protobuf.Any") return fill_any(child);
    if (is_mask) return write_scalar(child, *child.GetDescriptor()->field(0), text("a.b_c"), Place::kAdd);
    fill(child, depth - 1);
  }

  void fill_value(pb::Message& message, int depth) {
    const auto& descriptor = *message.GetDescriptor();
    const auto& field = *descriptor.FindFieldByNumber(1 + static_cast<int>(below(depth > 0 ? 6 : 4)));
    if (field.name() == "null_value") return write_scalar(message, field, Scalar(), Place::kSet);
    if (field.name() == "struct_value")
      return fill_structure(*message.GetReflection()->MutableMessage(&message, &field), depth);
    if (field.name() != "list_value") return write_scalar(message, field, scalar(field), Place::kSet);
    auto& list = *message.GetReflection()->MutableMessage(&message, &field);
    const auto* values = list.GetDescriptor()->FindFieldByNumber(1);
    for (uint64_t i = below(3); i > 0; --i) fill_value(*list.GetReflection()->AddMessage(&list, values), depth - 1);
  }

  void fill_structure(pb::Message& message, int depth) {
    const auto* fields = message.GetDescriptor()->FindFieldByNumber(1);
    for (uint64_t i = below(3); i > 0; --i) {
      auto& entry = *message.GetReflection()->AddMessage(&message, fields);
      const auto& type = *entry.GetDescriptor();
      write_scalar(entry, *type.map_key(), text(random_character(false) + std::to_string(i)), Place::kSet);
      fill_value(*entry.GetReflection()->MutableMessage(&entry, type.map_value()), depth - 1);
    }
  }

  void fill_any(pb::Message& message) {
    const auto& reply = *shop_schema()->find_message("shop.v1.FetchReply");
    const std::unique_ptr<pb::Message> content(reply.prototype->New());
    fill(*content, 0);
    write_scalar(message, *message.GetDescriptor()->field(0), text("type.googleapis.com/shop.v1.FetchReply"),
                 Place::kSet);
    write_scalar(message, *message.GetDescriptor()->field(1), text(serialize(*content)), Place::kSet);
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
    if (field.type() == pb::FieldDescriptor::TYPE_ENUM &&
        field.enum_type()->full_name() == "google.protobuf.NullValue") {
      return out;
    }
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
  CHECK(all(R"({"a_double":-0.0,"a_value":-0.0})") == R"({"a_double":-0.0,"a_value":-0.0})");
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
  const auto deepest = json_to_message(everything(), nested(kMaxMessageDepth + 1));
  REQUIRE(deepest.ok());
  CHECK(message_to_json(everything(), *deepest).ok());
  const auto deeper = json_to_message(everything(), nested(kMaxMessageDepth + 2));
  REQUIRE_FALSE(deeper.ok());
  CHECK(deeper.error().reason == "field.invalid");
  CHECK(deeper.error().message.ends_with("nested: is nested too deep"));
  CHECK(json_to_message(everything(), nested(kMaxJsonDepth + 1)).error().message == "nested deeper than 64");
  CHECK(json_to_message(everything(), std::string(1'000'000, '[')).error().message == "nested deeper than 64");
  CHECK(message_to_json(everything(), "\xff\xff").error().reason == "message.corrupt");
}

TEST_CASE("free-form JSON is kept as it stands") {
  const auto all = [](const std::string& json) { return round_trip(everything(), json); };
  const auto same = [&](const std::string& json) { CHECK(all(json) == json); };
  same(R"({"a_struct":{"flag":true,"list":[1,"a",null,{}],"none":null,"number":1.5}})");
  same(R"({"a_struct":{}})");
  same(R"({"a_value":null,"a_list":[null,[],{}],"values":[1,null,"x",{"a":[false]}]})");
  same(R"({"structs":{"one":{"a":1},"two":{}}})");
  same(R"({"nobody":null})");
  CHECK(all(R"({"a_value":1e300,"a_list":[9223372036854775808]})") ==
        R"({"a_value":1e+300,"a_list":[9223372036854775808]})");
  CHECK(all(R"({"a_struct":null,"a_list":null})") == "{}");
  CHECK(all(R"({"a_struct":[]})") == "a_struct: must be an object");
  CHECK(all(R"({"a_struct":"{}"})") == "a_struct: must be an object");
  CHECK(all(R"({"a_list":{}})") == "a_list: must be a list");
  CHECK(all(R"({"nobody":1})") == "nobody: must be null");
  CHECK(all(R"({"nobody":null,"left":"a"})") == "nobody: cannot be set together with left");
  CHECK(all(R"({"a_struct":{"a":{"b":9007199254740993}}})") ==
        "a_struct[\"a\"][\"b\"]: is too large to be kept exactly; write it as a string");
  same(R"({"a_value":9007199254740992})");
}

TEST_CASE("free-form JSON is bounded like messages are") {
  const auto nested = [](size_t depth) {
    return R"({"a_value":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  CHECK(round_trip(everything(), nested(29)) == nested(29));  // two messages a list, below kMaxMessageDepth
  CHECK(json_to_message(everything(), nested(31)).error().message.ends_with("is nested too deep"));
  CHECK(json_to_message(everything(), nested(kMaxJsonDepth)).error().message == "nested deeper than 64");
}

TEST_CASE("a wrapper is its value, and absent differs from zero") {
  const auto all = [](const std::string& json) { return round_trip(everything(), json); };
  CHECK(all(R"({"boxed_text":"","boxed_number":0,"boxed_flag":false,"boxed_bytes":"AQ=="})") ==
        R"({"boxed_text":"","boxed_number":0,"boxed_flag":false,"boxed_bytes":"AQ=="})");
  CHECK(all(R"({"boxed_text":null})") == "{}");
  CHECK(all(R"({"boxed_number":"12"})") == R"({"boxed_number":12})");
  CHECK(all(R"({"boxed_number":{}})").starts_with("boxed_number: must be a whole number"));
}

TEST_CASE("an Any holds a message of the schema, with its type beside its members") {
  const auto any = [](const std::string& json) {
    const std::string trip = round_trip(everything(), R"({"an_any":)" + json + "}");
    return trip.starts_with(R"({"an_any":)") ? trip.substr(10, trip.size() - 11) : trip;
  };
  const auto same = [&](const std::string& json) { CHECK(any(json) == json); };
  same(R"({"@type":"type.googleapis.com/shop.v1.FetchReply","found":"a key"})");
  same(R"({"@type":"example.org/types/shop.v1.FetchReply"})");
  same(R"({"@type":"type.googleapis.com/google.protobuf.Duration","value":"1.5s"})");
  same(R"({"@type":"type.googleapis.com/google.protobuf.Value","value":null})");
  same(R"({"@type":"type.googleapis.com/google.protobuf.StringValue","value":"x"})");
  same(
      R"({"@type":"type.googleapis.com/google.protobuf.Any","value":{"@type":"type.googleapis.com/shop.v1.FetchReply","found":"x"}})");
  same("{}");
  CHECK(any(R"({"found":"x"})") == "an_any.@type: is required, such as \"type.googleapis.com/shop.v1.Tool\"");
  CHECK(any(R"({"@type":"shop.v1.FetchReply"})").starts_with("an_any.@type: is required"));
  CHECK(any(R"({"@type":"type.googleapis.com/shop.v1.Nothing"})") ==
        "an_any.@type: no installed contract has the message of this type");
  CHECK(any(R"({"@type":"type.googleapis.com/shop.v1.Tool","name":"saw"})") ==
        "an_any.@type: shop.v1.Tool has secrets, which an Any cannot keep");
  CHECK(any(R"({"@type":"type.googleapis.com/shop.v1.RobotSpec"})") ==
        "an_any.@type: shop.v1.RobotSpec has secrets, which an Any cannot keep");
  CHECK(
      any(R"({"@type":"type.googleapis.com/shop.v1.FetchReply","lost":1})").starts_with("an_any.lost: unknown field"));
  CHECK(any(R"({"@type":"type.googleapis.com/google.protobuf.Duration","seconds":1})") ==
        "an_any: must have @type and value, and nothing else");
  CHECK(any("[]") == "an_any: must be an object");
}

TEST_CASE("an Any is read and written as deep as JSON goes") {
  std::string json = R"({"an_any":{"@type":"type.googleapis.com/shop.v1.FetchReply","found":"x"}})";
  for (int i = 0; i < 31; ++i) json = R"({"many":[)" + json + "]}";
  CHECK(round_trip(everything(), json) == json);
}

TEST_CASE("an Any whose type is gone is still shown") {
  // an_any = 45: type_url "a/b.C", value "x"
  const std::string bytes = std::string("\xea\x02\x0a", 3) + "\x0a\x05" + "a/b.C" + "\x12\x01x";
  CHECK(message_to_json(everything(), bytes).value() == R"({"an_any":{"@type":"a/b.C","@bytes":"eA=="}})");
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
  CHECK(text_to_json(*everything().find("a_struct"), R"({"a":[1]})").value() == R"({"a":[1]})");
  CHECK(text_to_json(*everything().find("a_struct"), "[]").error().message == "is no JSON object");
  CHECK(text_to_json(*everything().find("a_list"), "{}").error().message == "is no JSON list");
  CHECK(text_to_json(*everything().find("a_value"), "bare").error().message.starts_with("is no JSON: "));
  CHECK(text_to_json(*everything().find("a_value"), "null").value() == "null");
  CHECK(text_to_json(*everything().find("boxed_number"), "many").error().message.starts_with("must be a whole number"));
  CHECK(text_to_json(*everything().find("boxed_text"), "x").value() == "\"x\"");
}

}  // namespace novacron::host::contract
