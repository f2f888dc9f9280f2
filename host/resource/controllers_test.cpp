#include "host/resource/controllers.h"

#include <catch2/catch.hpp>

#include "host/contract/testing/testing.h"
#include "host/resource/testing/world.h"

namespace novacron::host::resource {

namespace {
const std::shared_ptr<const contract::Schema>& schema() {
  static const auto kSchema = contract::Schema::create({{"a.v1", contract::testing::compile_proto("a.proto", R"(
    syntax = "proto3"; package a.v1;
    import "novacron/core/v1/resource.proto"; import "novacron/options.proto";
    option (novacron.contract) = { version: "1.0.0" };
    message Thing { option (novacron.kind) = { plural: "things" scope: SCOPE_HOST };
                    novacron.core.v1.Metadata metadata = 1; Spec spec = 2; Status status = 3; }
    message Mute { option (novacron.kind) = { plural: "mutes" scope: SCOPE_HOST };
                   novacron.core.v1.Metadata metadata = 1; Spec spec = 2; Spec status = 3; }
    message Spec { string a = 1; }
    message Status { string phase = 1; repeated novacron.core.v1.Condition conditions = 300; })")}})
                                  .value();
  return kSchema;
}

auth::Grant writes_status_of(const std::string& kind) {
  auth::Grant grant;
  grant.resources.push_back({kind, {"get", "update_status"}});
  return grant;
}

std::string shown(const Controllers& controllers, const char* kind = "a/Thing") {
  ObjectView object;
  object.schema = schema();
  object.kind = schema()->find_kind(kind);
  REQUIRE(object.kind != nullptr);
  object.status = "\x0a\x02up";
  controllers.tell(object);
  return to_json(object).value();
}

constexpr const char* kUp = R"({"kind":"a/Thing","metadata":{},"spec":{},"status":{"phase":"up"}})";
}  // namespace

TEST_CASE("objects say when nobody acts on their kind, beside what their controller said last") {
  testing::HandClock clock;
  Controllers controllers(clock);
  const auto says = [&](const std::string& words) { return shown(controllers).find(words) != std::string::npos; };
  CHECK(says(R"("phase":"up","conditions":[{"type":"ControllerUnavailable","state":"TRUE")"));
  CHECK(says("no installed plugin acts on this kind"));
  controllers.set("one", writes_status_of("a/Thing"), Controllers::State::kActs, 1);
  CHECK(shown(controllers) == kUp);
  controllers.set("one", writes_status_of("a/Thing"), Controllers::State::kIdle, 1'500'000'000);
  CHECK(says("one acts on this kind and is not enabled"));
  CHECK(says(R"("changed_at":"1970-01-01T00:00:01.5Z")"));
  controllers.set("two", writes_status_of("*"), Controllers::State::kActs, 2);
  CHECK(shown(controllers) == kUp);
  controllers.set_known(false);
  controllers.set("two", writes_status_of("*"), Controllers::State::kIdle, 2);
  CHECK(shown(controllers) == kUp);
  const auto unknown = controllers.version();
  controllers.set_known(true);
  CHECK(controllers.version() != unknown);
  CHECK(says("one, two acts on this kind"));
  controllers.forget("two", 3'000'000'000);
  controllers.forget("one", 4'000'000'000);
  CHECK(says("no installed plugin"));
}

TEST_CASE("a plugin that only reads a kind is not its controller") {
  Controllers controllers(system_clock());
  auth::Grant reader;
  reader.resources.push_back({"a/Thing", {"get", "list", "update"}});
  controllers.set("reader", reader, Controllers::State::kActs, 1);
  CHECK(shown(controllers) != kUp);
  controllers.set("other", writes_status_of("a/Other"), Controllers::State::kActs, 1);
  CHECK(shown(controllers) != kUp);
}

TEST_CASE("a kind whose status has no conditions tells nothing") {
  Controllers controllers(system_clock());
  CHECK(shown(controllers, "a/Mute").find("ControllerUnavailable") == std::string::npos);
}

}  // namespace novacron::host::resource
