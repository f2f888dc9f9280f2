#include "host/resource/admission.h"

#include <host/resource/record.pb.h>
#include <novacron/core/v1/admission.pb.h>
#include <novacron/core/v1/host.pb.h>

#include <algorithm>
#include <tuple>

#include "host/auth/roles.h"
#include "host/base/log.h"
#include "host/contract/validate.h"
#include "host/plugin/core_services.h"
#include "host/resource/keys.h"
#include "host/trace/scope.h"

namespace novacron::host::resource {

namespace {
using core::v1::AdmissionHookSpec;

constexpr std::string_view kMethod = "Admit";
constexpr std::string_view kHostGroup = "novacron.core/";

bool names(const google::protobuf::RepeatedPtrField<std::string>& list, std::string_view wanted) {
  return std::any_of(list.begin(), list.end(), [wanted](const std::string& one) { return one == wanted; });
}

/// With its secrets masked.
Result<core::v1::Object> object_of(const contract::Kind& kind, const StoredSpec& record) {
  core::v1::Object object;
  object.set_kind(kind.id);
  *object.mutable_metadata() = record.metadata();
  object.set_spec(TRY(contract::mask_secrets(*kind.spec, record.spec())));
  return object;
}

/// Labels, annotations and spec are the hook's to change; a mask leaves a secret as it is.
Status take_over(const contract::Kind& kind, const core::v1::Object& wanted, StoredSpec& record) {
  *record.mutable_metadata()->mutable_labels() = wanted.metadata().labels();
  *record.mutable_metadata()->mutable_annotations() = wanted.metadata().annotations();
  record.set_spec(TRY(contract::carry_over(*kind.spec, wanted.spec(), record.spec(), "spec")));
  return {};
}

Error no_answer(const std::string& hook, const std::string& why) {
  return {Code::kUnavailable,
          "the admission hook " + hook + " does not answer (" + why +
              "), and nothing is written without it; enable its plugin or delete the hook",
          "admission.unavailable"};
}

Error refusal(const std::string& hook, const core::v1::AdmitReply& reply) {
  const std::string why = reply.message().empty() ? "it gives no reason" : reply.message();
  return {Code::kPermissionDenied, "refused by the admission hook " + hook + ": " + why,
          reply.reason().empty() ? "admission.refused" : reply.reason()};
}
}  // namespace

struct AdmissionChain::Hook {
  std::string name;
  AdmissionHookSpec spec;

  bool mutates() const { return spec.stage() == AdmissionHookSpec::STAGE_MUTATE; }
  auto rank() const { return std::tuple(mutates() ? 0 : 1, spec.order(), std::string_view(name)); }
};

Result<std::vector<AdmissionChain::Hook>> AdmissionChain::hooks_of(const Admittance& write) {
  std::vector<Hook> hooks;
  if (write.ref.kind.starts_with(kHostGroup)) return hooks;
  const auto scan = TRY(objects_.scan(kind_prefix(kAdmissionHookKind), "", kMaxHooks, 0));
  if (scan.more)
    return Error{Code::kResourceExhausted, "there are more than 64 admission hooks; delete some", "admission.hooks"};
  for (const auto& object : scan.objects) {
    Hook hook{object.ref.name, {}};
    if (!hook.spec.ParseFromString(object.record->spec()))
      return Error{Code::kDataLoss, describe(object.ref) + " cannot be read", "resource.corrupt"};
    const bool of_kind = names(hook.spec.kinds(), write.ref.kind) || names(hook.spec.kinds(), "*");
    const bool of_verb = hook.spec.verbs().empty() || names(hook.spec.verbs(), write.verb);
    if (of_kind && of_verb && !object.metadata().has_deleted_at()) hooks.push_back(std::move(hook));
  }
  std::sort(hooks.begin(), hooks.end(), [](const Hook& a, const Hook& b) { return a.rank() < b.rank(); });
  return hooks;
}

Status AdmissionChain::admit(const Admittance& write, Draft& draft, const Refinish& refinish) {
  const auto hooks = TRY(hooks_of(write));
  if (hooks.empty()) return {};
  trace::Part part("admission");
  for (const auto& hook : hooks) {
    const Status admitted = ask(hook, write, draft, refinish);
    if (admitted.ok()) continue;
    if (part.span()) part.span()->fail(admitted.error().reason);
    return admitted;
  }
  return {};
}

Result<core::v1::AdmitReply> AdmissionChain::call(const Hook& hook, const core::v1::AdmitRequest& request) {
  plugin::CallOptions options;
  options.context = auth::host_context("");
  options.timeout_ns = hook.spec.timeout_ns();
  const auto answer =
      caller_.call(plugin::kAdmissionService, kMethod, {hook.spec.plugin(), ""}, {message_bytes(request), {}}, options);
  core::v1::AdmitReply reply;
  if (answer.ok() && reply.ParseFromString(answer->body)) return reply;
  const std::string why = answer.ok() ? "its answer cannot be read" : answer.error().message;
  log_warn("resource", "admission hook does not answer", {{"hook", hook.name}, {"error", why}});
  if (hook.spec.failure() == AdmissionHookSpec::FAILURE_OPEN) return core::v1::AdmitReply();
  return no_answer(hook.name, why);
}

Status AdmissionChain::ask(const Hook& hook, const Admittance& write, Draft& draft, const Refinish& refinish) {
  core::v1::AdmitRequest request;
  request.set_verb(std::string(write.verb));
  if (write.current) *request.mutable_previous() = TRY(object_of(write.kind, *write.current->record));
  const auto& record = draft.record ? *draft.record : *write.current->record;
  *request.mutable_object() = TRY(object_of(write.kind, record));
  request.set_principal(write.context.identity.principal);
  request.set_dry_run(write.effect == Effect::kDryRun);
  const auto reply = TRY(call(hook, request));
  if (reply.refused()) return refusal(hook.name, reply);
  if (!hook.mutates() || !reply.has_object() || !draft.record) return {};
  TRY_STATUS(take_over(write.kind, reply.object(), *draft.record));
  return refinish(*draft.record);
}

}  // namespace novacron::host::resource
