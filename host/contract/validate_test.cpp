#include "host/contract/validate.h"

#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include <catch2/catch.hpp>

#include "host/contract/condition.h"
#include "host/contract/json.h"
#include "host/contract/message.h"
#include "host/contract/testing/testing.h"

namespace novacron::host::contract {

namespace {
using testing::shop_schema;

const Kind& robot() {
  return *shop_schema()->find_kind("shop/Robot");
}

std::string spec_bytes(const std::string& json) {
  return json_to_message(*robot().spec, json).value();
}

std::string spec_json(const std::string& bytes) {
  return message_to_json(*robot().spec, bytes, {Secrets::kReveal, Layout::kCompact}).value();
}

std::string complaint(const std::string& json) {
  const auto status = validate(*robot().spec, spec_bytes(json), nullptr, "spec");
  return status.ok() ? "none" : status.error().message;
}

std::string change_complaint(const std::string& before, const std::string& after) {
  const std::string previous = spec_bytes(before);
  const auto status = validate(*robot().spec, spec_bytes(after), &previous, "spec");
  return status.ok() ? "none" : status.error().message;
}

std::string with_unknown_field(const MessageType& type, const std::string& bytes) {
  const auto message = parse_message(type, bytes).value();
  message->GetReflection()->MutableUnknownFields(message.get())->AddVarint(9'999, 7);
  return serialize(*message);
}
}  // namespace

TEST_CASE("defaults fill what is absent, and nothing else") {
  CHECK(spec_json(apply_defaults(*robot().spec, "").value()) ==
        R"({"arms":2,"memory_bytes":1048576,"mood":"HAPPY","model":"mk1"})");
  CHECK(spec_json(apply_defaults(*robot().spec, spec_bytes(R"({"arms":0,"mood":"SAD","model":"x"})")).value()) ==
        R"({"arms":0,"memory_bytes":1048576,"mood":"SAD","model":"x"})");
}

namespace {
/// RobotSpec.badge (17), or RobotSpec.settings (16): `bytes` in a field.
std::string spec_with(const Field& field, const std::string& bytes) {
  const auto message = parse_message(*robot().spec, "").value();
  auto& child = *message->GetReflection()->MutableMessage(message.get(), field.descriptor);
  REQUIRE(child.ParseFromString(bytes));
  return serialize(*message);
}

std::string free_form_complaint(const char* field, const std::string& bytes) {
  const auto status = validate(*robot().spec, spec_with(*robot().spec->find(field), bytes), nullptr, "spec");
  return status.ok() ? "none" : status.error().message;
}

std::string any_bytes(const std::string& type, const std::string& bytes) {
  const auto message = parse_message(*testing::shop_schema()->find_message("google.protobuf.Any"), "").value();
  Scalar scalar;
  scalar.text = type;
  write_scalar(*message, *message->GetDescriptor()->field(0), scalar, Place::kSet);
  scalar.text = bytes;
  write_scalar(*message, *message->GetDescriptor()->field(1), scalar, Place::kSet);
  return serialize(*message);
}
}  // namespace

TEST_CASE("what a plugin puts into an Any is checked like what comes as JSON") {
  const auto complain = [](const std::string& type, const std::string& bytes) {
    return free_form_complaint("badge", any_bytes(type, bytes));
  };
  CHECK(complain("x/shop.v1.FetchReply", "\x0a\x01y") == "none");
  CHECK(complain("", "") == "none");
  CHECK(complain("x/shop.v1.Nothing", "") ==
        "spec.badge: no installed contract has the message of its @type x/shop.v1.Nothing");
  CHECK(complain("x/shop.v1.Tool", "") == "spec.badge: shop.v1.Tool has secrets, which an Any cannot keep");
  CHECK(complain("x/google.protobuf.Any", any_bytes("x/shop.v1.Tool", "")) ==
        "spec.badge: shop.v1.Tool has secrets, which an Any cannot keep");
  CHECK(complain("x/shop.v1.FetchReply", "\xff\xff") == "spec.badge: it holds no shop.v1.FetchReply");
  std::string nested = any_bytes("x/shop.v1.FetchReply", "");
  for (int i = 0; i < 7; ++i) nested = any_bytes("x/google.protobuf.Any", nested);
  CHECK(free_form_complaint("badge", nested) == "none");
  nested = any_bytes("x/google.protobuf.Any", nested);
  CHECK(free_form_complaint("badge", nested) == "spec.badge: holds an Any in an Any too often");
}

TEST_CASE("a number that JSON does not have is refused in a Struct") {
  // fields {"a": number_value: NaN}
  const std::string nan(
      "\x0a\x0e\x0a\x01"
      "a"
      "\x12\x09\x11\x00\x00\x00\x00\x00\x00\xf8\x7f",
      16);
  CHECK(free_form_complaint("settings", nan) == "spec.settings[\"a\"]: must be a number that JSON can write");
}

TEST_CASE("what could not be read back as JSON is refused, though it fits as bytes") {
  const auto nested = [](int levels) {
    std::string json = "{}";
    for (int i = 0; i < levels; ++i) json = R"({"many":[)" + json + "]}";
    return json_to_message(*testing::shop_schema()->find_message("shop.v1.Everything"), json).value();
  };
  const auto complain = [&](int levels) {
    const auto& everything = *robot().spec->find("everything");
    const auto status = validate(*robot().spec, spec_with(everything, nested(levels)), nullptr, "spec");
    return status.ok() ? "none" : status.error().message;
  };
  CHECK(complain(30) == "none");
  CHECK(complain(31) == "spec: is nested too deep");
}

TEST_CASE("an unknown field that its writer has kept is carried over once") {
  const auto& type = *robot().spec;
  const std::string before = with_unknown_field(type, spec_bytes(R"({"arms":2})"));
  CHECK(carry_over(type, before, before, "spec").value() == before);
  CHECK(carry_over(type, spec_bytes(R"({"arms":2})"), before, "spec").value() == before);
}

TEST_CASE("the rules of fields are kept") {
  const std::string digest(64, 'a');
  CHECK(complaint("{}") == "none");
  CHECK(complaint(R"({"arms":0})") == "spec.arms: must be at least 1");
  CHECK(complaint(R"({"arms":9})") == "spec.arms: must be at most 8");
  CHECK(complaint(R"({"memory_bytes":1})") == "spec.memory_bytes: must be at least 1KiB");
  CHECK(complaint(R"({"memory_bytes":18446744073709551615})") == "spec.memory_bytes: must be at most 1TiB");
  CHECK(complaint(R"({"model":"12345678901"})") == "spec.model: has 11 bytes, at most 10 are allowed");
  CHECK(complaint(R"({"firmware":"AAAAAAAAAAAAAAAAAAAAAAAA"})") ==
        "spec.firmware: has 18 bytes, at most 16 are allowed");
  CHECK(complaint(R"({"tools":[{}]})").starts_with("spec.tools[0]: needs name, by which it is found"));
  CHECK(complaint(R"({"tools":[{"name":"A"}]})") == "spec.tools[0].name: must match [a-z0-9]([-a-z0-9]*[a-z0-9])?");
  CHECK(complaint(R"({"tools":[{"name":"a"},{"name":"a"}]})") == "spec.tools[1]: name=a is spec.tools[0] already");
  CHECK(complaint(R"({"tools":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"},{"name":"e"}]})") ==
        "spec.tools: has 5 items, at most 4 are allowed");
  CHECK(complaint(R"({"image":"sha256:)" + digest + R"("})") == "none");
  CHECK(complaint(R"({"image":"latest"})") == "spec.image: must be sha256: and 64 lower-case hex digits");
  CHECK(complaint(R"({"friends":["ok","Not"]})") == "spec.friends[1]: must be the name of a shop/Robot");
}

TEST_CASE("what is immutable stays, also in the items of a map list") {
  CHECK(change_complaint(R"({"model":"a","arms":1})", R"({"model":"a","arms":2})") == "none");
  CHECK(change_complaint(R"({"model":"a"})", R"({"model":"b"})") == "spec.model: cannot change after creation");
  CHECK(change_complaint(R"({"model":"a"})", R"({})") == "spec.model: cannot change after creation");
  CHECK(change_complaint(R"({"tools":[{"name":"x","serial":"1"},{"name":"y","serial":"2"}]})",
                         R"({"tools":[{"name":"y","serial":"3"},{"name":"z","serial":"1"}]})") ==
        "spec.tools[0].serial: cannot change after creation");
}

TEST_CASE("fields that this schema does not know survive a rewrite") {
  const auto& tool = *shop_schema()->find_message("shop.v1.Tool");
  const auto& type = *robot().spec;
  const auto message =
      parse_message(type, with_unknown_field(type, spec_bytes(R"({"tools":[{"name":"x"},{"name":"y"}]})"))).value();
  const std::string before = serialize(*message);
  const auto carried = carry_over(type, spec_bytes(R"({"tools":[{"name":"y"}],"arms":3})"), before, "spec");
  REQUIRE(carried.ok());
  CHECK(spec_json(*carried) == R"({"arms":3,"tools":[{"name":"y"}]})");
  const auto after = parse_message(type, *carried).value();
  CHECK(after->GetReflection()->GetUnknownFields(*after).field_count() == 1);
  CHECK(tool.find("pin")->secret);
}

TEST_CASE("a masked secret that is written back stays what it was") {
  const auto before = spec_bytes(R"({"password":"p","keys":{"a":"1","b":"2"},"tools":[{"name":"x","pin":"9"}]})");
  const auto written =
      spec_bytes(R"({"password":"********","keys":{"b":"********","c":"3"},"tools":[{"name":"x","pin":"********"}]})");
  const auto carried = carry_over(*robot().spec, written, before, "spec");
  REQUIRE(carried.ok());
  CHECK(spec_json(*carried) == R"({"tools":[{"name":"x","pin":"9"}],"password":"p","keys":{"b":"2","c":"3"}})");
  CHECK(carry_over(*robot().spec, spec_bytes(R"({"password":"********"})"), "", "spec").error().message ==
        "spec.password: is the mask of a secret, but there was none before");
}

TEST_CASE("masking leaves no secret behind") {
  const auto masked = mask_secrets(*robot().spec, spec_bytes(R"({"password":"p","keys":{"a":"1"},"model":"m"})"));
  CHECK(spec_json(*masked) == R"({"model":"m","password":"********","keys":{"a":"********"}})");
}

TEST_CASE("references and blobs are found wherever they are") {
  const auto found =
      references_of(*robot().spec, spec_bytes(R"({"station":"s","leader":"l","friends":["a","b"]})"), "spec");
  REQUIRE(found.ok());
  REQUIRE(found->size() == 4);
  CHECK(found->at(0).reference.scope == Scope::kHost);
  CHECK(found->at(3).path == "spec.friends[1]");
  CHECK(found->at(3).name == "b");
  const std::string digest = "sha256:" + std::string(64, 'a');
  CHECK(blobs_of(*robot().spec, spec_bytes("{\"image\":\"" + digest + "\"}")).value() ==
        std::vector<std::string>{digest});
}

namespace {
std::string converged(const std::string& spec, const std::string& status, uint64_t generation,
                      const Condition* ready = nullptr) {
  const auto status_bytes = json_to_message(*robot().status, status).value();
  const auto state = convergence(robot(), ready, "", spec_bytes(spec), status_bytes, generation).value();
  return state == Convergence::kReady ? "ready" : state == Convergence::kFailed ? "failed" : "pending";
}
}  // namespace

TEST_CASE("an object has converged when its controller has seen it and its condition holds") {
  CHECK(converged(R"({"mood":"HAPPY"})", R"({"phase":"ACTIVE","observed_generation":2})", 2) == "ready");
  CHECK(converged(R"({"mood":"HAPPY"})", R"({"phase":"ACTIVE","observed_generation":1})", 2) == "pending");
  CHECK(converged(R"({"mood":"HAPPY"})", R"({"phase":"IDLE","observed_generation":2})", 2) == "pending");
  CHECK(converged(R"({"mood":"SAD"})", R"({"phase":"IDLE","observed_generation":2})", 2) == "ready");
  CHECK(converged(R"({"mood":"SAD"})", R"({"phase":"BROKEN","observed_generation":2})", 2) == "failed");
  CHECK(converged(R"({"mood":"HAPPY"})", "{}", 1) == "pending");
  const auto* verb = robot().find_verb("sadden");
  CHECK(converged(R"({"mood":"SAD"})", R"({"phase":"IDLE","observed_generation":2})", 2, verb->ready_when.get()) ==
        "ready");
}

TEST_CASE("numbers, texts and times are compared by their order") {
  const auto holds = [](const std::string& json, const std::string& text) {
    const auto condition = Condition::compile(*robot().message, text);
    REQUIRE(condition.ok());
    const auto object = parse_message(*robot().message, *json_to_message(*robot().message, json));
    return (*condition)->holds(**object);
  };
  const std::string robot_json = R"({"metadata":{"name":"b","created_at":"2026-03-01T00:00:00.5Z"},
      "spec":{"arms":3,"memory_bytes":18446744073709551615,"patience":4,"everything":{"an_int32":-5,"a_double":1.5,
      "a_duration":"1.5s"}}})";
  for (const char* text :
       {"spec.arms > 2", "spec.arms >= 3", "spec.arms <= 3", "spec.arms < 4", "spec.memory_bytes > 1",
        "spec.everything.an_int32 < 0", "spec.everything.a_double > 1.4", "metadata.name > \"a\"",
        "metadata.created_at >= \"2026-03-01T00:00:00.5Z\"", "metadata.created_at < \"2026-03-01T00:00:00.6Z\"",
        "metadata.created_at > \"2026-02-28T23:59:59.9Z\"", "spec.patience == 4", "spec.patience < 5",
        "spec.everything.a_duration == \"1.5s\""}) {
    INFO(text);
    CHECK(holds(robot_json, text));
  }
  for (const char* text : {"spec.arms > 3", "spec.arms < 3", "metadata.name < \"a\"",
                           "metadata.created_at < \"2026-03-01T00:00:00.5Z\"", "spec.speed_millis > 0"}) {
    INFO(text);
    CHECK_FALSE(holds(robot_json, text));
  }
  CHECK((*Condition::compile(*robot().message, "spec.arms == 1 || spec.password == \"x\""))->reads_secrets());
  CHECK_FALSE((*Condition::compile(*robot().message, "spec.arms == 1"))->reads_secrets());
}

TEST_CASE("a time may be relative to now, where there is a now") {
  constexpr uint64_t kNowNs = 1'772'366'400'000'000'000;  // 2026-03-01T12:00:00Z
  const auto object = parse_message(
      *robot().message, *json_to_message(*robot().message, R"({"metadata":{"created_at":"2026-03-01T11:00:00Z"}})"));
  const auto holds = [&](const std::string& text) -> std::string {
    const auto condition = Condition::compile(*robot().message, text, kNowNs);
    if (!condition.ok()) return condition.error().message;
    return (*condition)->holds(**object) ? "yes" : "no";
  };
  CHECK(holds("metadata.created_at > now-61m") == "yes");
  CHECK(holds("metadata.created_at > now - 59m && spec.arms == 0") == "no");
  CHECK(holds("metadata.created_at>=now-1h") == "yes");
  CHECK(holds("metadata.created_at < now") == "yes");
  CHECK(holds("metadata.created_at < now+1d") == "yes");
  CHECK(holds("metadata.created_at > now-7d12h||spec.arms == 9") == "yes");
  CHECK(holds("metadata.created_at > now-100000d") == "yes");
  CHECK(holds("metadata.created_at > now-1") == "\"now-1\" is no time; write now-1h30m");
  CHECK(holds("metadata.created_at > nowadays").find("must be a time") != std::string::npos);
  CHECK(holds("metadata.created_at > now*2").find("left over") != std::string::npos);
  CHECK(holds("spec.model == now") == "no");
  CHECK(Condition::compile(*robot().message, "metadata.created_at > now").error().message ==
        "\"now\" is for requests, not for conditions of a contract");
}

TEST_CASE("a condition that does not fit its kind says why") {
  const auto error = [](const std::string& text) {
    const auto condition = Condition::compile(*robot().message, text);
    return condition.ok() ? std::string("none") : condition.error().message;
  };
  CHECK(error("spec.arms == 1 && spec.model != \"a b\" || metadata.generation == 3") == "none");
  CHECK(error("") == "there is no field \"\"");
  CHECK(error("spec.legs == 1") == "there is no field \"spec.legs\"");
  CHECK(error("spec.arms.x == 1") == "there is no field \"spec.arms.x\"");
  CHECK(error("spec.tools == 1") == "\"spec.tools\" goes through a list or a map");
  CHECK(error("spec.settings.a == 1") == "there is no field \"spec.settings.a\"");
  CHECK(error("spec.settings == 1") == "\"spec.settings\" is no single value");
  CHECK(error("spec.badge == 1") == "\"spec.badge\" is no single value");
  CHECK(error("spec.patience == \"x\"").find("must be a whole number") != std::string::npos);
  CHECK(error("spec.everything == 1") == "\"spec.everything\" is no single value");
  CHECK(error("spec.arms = 1") == "==, !=, <, <=, > or >= is missing after a path");
  CHECK(error("spec.mood < HAPPY") == "\"spec.mood\" has no order: use == or !=");
  CHECK(error("spec.arms == ") == "a value is missing");
  CHECK(error("spec.mood == ANGRY") == "mood: must be one of HAPPY, SAD");
  CHECK(error("spec.arms == 1 spec.arms == 2") ==
        "\"spec.arms == 2\" is left over; comparisons are joined by && or ||");
  CHECK(error("spec.model == \"a") == "a quoted text has no end");
  CHECK(error("spec.arms == 1 &&") == "there is no field \"\"");
  CHECK(error(std::string(kMaxConditionBytes + 1, ' ')) == "a condition has at most 4096 bytes");
}

}  // namespace novacron::host::contract
