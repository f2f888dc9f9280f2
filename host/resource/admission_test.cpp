#include "host/resource/admission.h"

#include <novacron/core/v1/admission.pb.h>

#include <catch2/catch.hpp>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "host/contract/parts.h"
#include "host/resource/testing/world.h"

namespace novacron::host::resource {

using nlohmann::json;
using testing::robot_ref;
using testing::World;

namespace {
using core::v1::AdmitReply;
using core::v1::AdmitRequest;

/// Plugins that provide the admission service, each as a function.
class Hooks final : public plugin::Caller {
 public:
  using Answer = std::function<Result<AdmitReply>(const AdmitRequest&)>;

  Result<plugin::Message> call(std::string_view service, std::string_view method, const plugin::Target& target,
                               plugin::Message request, const plugin::CallOptions& options) override {
    CHECK(service == "novacron.core.v1.Admission");
    CHECK(method == "Admit");
    timeouts_ns[target.plugin] = options.timeout_ns;
    asked.push_back(target.plugin);
    AdmitRequest parsed;
    REQUIRE(parsed.ParseFromString(request.body));
    const auto found = plugins.find(target.plugin);
    if (found == plugins.end()) return Error{Code::kUnavailable, "nobody is there", "plugin.no-provider"};
    const auto reply = TRY(found->second(parsed));
    return plugin::Message{reply.SerializeAsString(), {}};
  }
  std::unique_ptr<plugin::ClientCall> open(std::string_view, std::string_view, const plugin::Target&, plugin::Message,
                                           const plugin::CallOptions&) override {
    FAIL("nobody calls this");
    return nullptr;
  }
  void call_async(std::string_view, std::string_view, const plugin::Target&, plugin::Message,
                  const plugin::CallOptions&, std::function<void(Result<plugin::Message>)>) override {
    FAIL("nobody calls this");
  }

  std::map<std::string, Answer> plugins;
  std::vector<std::string> asked;
  std::map<std::string, uint64_t> timeouts_ns;
};

AdmitReply refusal(const std::string& reason, const std::string& message) {
  AdmitReply reply;
  reply.set_refused(true);
  reply.set_reason(reason);
  reply.set_message(message);
  return reply;
}

struct AdmissionWorld : World {
  AdmissionWorld() { store().admit_through(hooks); }

  void add_hook(const std::string& name, const std::string& spec) {
    const ObjectRef ref{std::string(kAdmissionHookKind), "", name};
    const auto made = store().create(alice, ref, Body::json(R"({"spec":)" + spec + "}"));
    INFO((made.ok() ? "" : made.error().message));
    REQUIRE(made.ok());
  }
  /// A reply that changes the spec of a robot, as JSON.
  Hooks::Answer merge_spec(const std::string& patch) {
    return [this, patch](const AdmitRequest& request) -> Result<AdmitReply> {
      const auto& type = *store().schema()->find_kind("shop/Robot")->spec;
      const auto text = TRY(contract::message_to_json(type, request.object().spec()));
      AdmitReply reply;
      *reply.mutable_object() = request.object();
      const auto merged = TRY(contract::merge_patch(text, patch));
      reply.mutable_object()->set_spec(TRY(contract::json_to_message(type, merged)));
      return reply;
    };
  }
  json spec() { return json::parse(show(robot("r1")))["spec"]; }

  Hooks hooks;
};

template <class T>
std::string reason(const Result<T>& result) {
  return result.ok() ? "ok" : result.error().reason;
}
}  // namespace

TEST_CASE("a hook is asked about the kinds and verbs that it names, never about the host's own") {
  AdmissionWorld world;
  world.hooks.plugins["quota"] = [](const AdmitRequest&) { return refusal("", ""); };
  world.add_hook("robots", R"({"plugin":"quota","kinds":["shop/Robot"],"verbs":["create","delete"]})");
  CHECK(reason(world.make_robot("r1")) == "admission.refused");
  CHECK(world.make_station("s1").ok());
  world.hooks.plugins["quota"] = [](const AdmitRequest& request) -> Result<AdmitReply> {
    return request.verb() == "delete" ? refusal("quota.keep", "it is needed") : AdmitReply();
  };
  CHECK(world.make_robot("r1").ok());
  CHECK(world.patch_robot("r1", R"({"spec":{"arms":4}})").ok());
  CHECK(world.set_status("r1", R"({"phase":"ACTIVE"})").ok());
  const auto refused = world.store().remove(world.alice, robot_ref("r1"));
  CHECK(reason(refused) == "quota.keep");
  CHECK(refused.code() == Code::kPermissionDenied);
  CHECK(refused.error().message == "refused by the admission hook robots: it is needed");
  world.add_hook("all", R"({"plugin":"gone","kinds":["*"]})");
  CHECK(world.store().remove(world.alice, {std::string(kAdmissionHookKind), "", "all"}).ok());
  CHECK(world.hooks.asked == std::vector<std::string>{"quota", "quota", "quota"});
}

TEST_CASE("a hook sees the object as it will be and as it was, without its secrets, and who writes") {
  AdmissionWorld world;
  AdmitRequest seen;
  world.hooks.plugins["quota"] = [&seen](const AdmitRequest& request) -> Result<AdmitReply> {
    seen = request;
    return AdmitReply();
  };
  world.add_hook("robots", R"({"plugin":"quota","kinds":["shop/Robot"],"timeout_ns":"200ms"})");
  REQUIRE(world.make_robot("r1", R"({"password":"hush"})").ok());
  CHECK(seen.verb() == "create");
  CHECK(seen.principal() == "user:alice");
  CHECK_FALSE(seen.has_previous());
  CHECK_FALSE(seen.dry_run());
  CHECK(seen.object().metadata().name() == "r1");
  CHECK(seen.object().spec().find("mk1") != std::string::npos);
  CHECK(seen.object().spec().find("hush") == std::string::npos);
  CHECK(world.hooks.timeouts_ns["quota"] == 200'000'000);
  WriteOptions dry;
  dry.effect = Effect::kDryRun;
  REQUIRE(world.store().patch(world.alice, robot_ref("r1"), R"({"spec":{"arms":5}})", dry).ok());
  CHECK(seen.dry_run());
  CHECK(seen.has_previous());
  CHECK(seen.previous().spec() != seen.object().spec());
  REQUIRE(world.store().apply(world.alice, robot_ref("r1"), "deploy", R"({"spec":{"arms":5}})").ok());
  CHECK(seen.verb() == "apply");
}

TEST_CASE("hooks that mutate are asked first and in order, and what they make of it is checked") {
  AdmissionWorld world;
  std::string validated;
  world.hooks.plugins["check"] = [&validated](const AdmitRequest& request) -> Result<AdmitReply> {
    validated = request.object().spec();
    AdmitReply reply;
    *reply.mutable_object() = request.object();
    reply.mutable_object()->clear_spec();  // does not count: it validates
    return reply;
  };
  world.hooks.plugins["three"] = world.merge_spec(R"({"arms":3,"model":null})");
  world.hooks.plugins["four"] = world.merge_spec(R"({"arms":4})");
  world.add_hook("a-check", R"({"plugin":"check","kinds":["*"],"order":1})");
  world.add_hook("b-four", R"({"plugin":"four","kinds":["*"],"stage":"MUTATE","order":20})");
  world.add_hook("c-three", R"({"plugin":"three","kinds":["*"],"stage":"MUTATE","order":10})");
  REQUIRE(world.make_robot("r1", R"({"arms":1,"password":"hush"})").ok());
  CHECK(world.hooks.asked == std::vector<std::string>{"three", "four", "check"});
  CHECK(world.spec()["arms"] == 4);
  CHECK(world.spec()["model"] == "mk1");
  CHECK(world.robot("r1")->generation == 1);
  CHECK(to_json(*world.robot("r1"), {contract::Secrets::kReveal})->find(R"("password":"hush")") != std::string::npos);
  CHECK(validated.find("mk1") != std::string::npos);
  const auto same = world.patch_robot("r1", R"({"spec":{"arms":2}})");  // changed back
  CHECK_FALSE(same->changed);
  world.hooks.plugins["four"] = world.merge_spec(R"({"arms":9})");
  CHECK(reason(world.patch_robot("r1", R"({"spec":{"arms":2}})")) == "field.invalid");
  world.hooks.plugins["four"] = world.merge_spec(R"({"model":"mk2"})");
  CHECK(reason(world.patch_robot("r1", R"({"spec":{"arms":2}})")) == "field.invalid");  // it is immutable
}

TEST_CASE("a hook that does not answer refuses the write, or is passed over, as it declares") {
  AdmissionWorld world;
  world.add_hook("open", R"({"plugin":"gone","kinds":["shop/Robot"],"failure":"OPEN"})");
  CHECK(world.make_robot("r1").ok());
  world.add_hook("closed", R"({"plugin":"gone","kinds":["shop/Robot"]})");
  const auto refused = world.make_robot("r2");
  CHECK(reason(refused) == "admission.unavailable");
  CHECK(refused.code() == Code::kUnavailable);
  CHECK(refused.error().message.find("the admission hook closed does not answer (nobody is there)") == 0);
  CHECK(world.robot("r1").ok());  // reads need nobody
  world.hooks.plugins["gone"] = [](const AdmitRequest&) -> Result<AdmitReply> {
    return Error{Code::kDeadlineExceeded, "too slow", "call.deadline"};
  };
  CHECK(reason(world.make_robot("r2")) == "admission.unavailable");
}

TEST_CASE("a hook names a plugin, kinds and a time of at most a second") {
  AdmissionWorld world;
  const auto create = [&](const std::string& spec) {
    const ObjectRef ref{std::string(kAdmissionHookKind), "", "h"};
    WriteOptions dry;
    dry.effect = Effect::kDryRun;
    return reason(world.store().create(world.alice, ref, Body::json(R"({"spec":)" + spec + "}"), dry));
  };
  CHECK(create(R"({"kinds":["*"]})") == "field.invalid");
  CHECK(create(R"({"plugin":"quota"})") == "field.invalid");
  CHECK(create(R"({"plugin":"quota","kinds":["*"],"timeout_ns":"2s"})") == "field.invalid");
  CHECK(create(R"({"plugin":"quota","kinds":["*"]})") == "ok");
}

}  // namespace novacron::host::resource
