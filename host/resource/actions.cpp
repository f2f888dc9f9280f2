#include "host/resource/actions.h"

#include <host/resource/record.pb.h>
#include <novacron/core/v1/host.pb.h>

#include "host/auth/roles.h"
#include "host/contract/message.h"
#include "host/contract/validate.h"
#include "host/contract/violations.h"
#include "host/resource/keys.h"
#include "host/resource/runner.h"
#include "host/resource/store_impl.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::resource {

namespace {
core::v1::ObjectRef message_of(const ObjectRef& ref) {
  core::v1::ObjectRef out;
  out.set_kind(ref.kind);
  out.set_tenant(ref.tenant);
  out.set_name(ref.name);
  out.set_uid(ref.uid);
  return out;
}

/// The method's request: the JSON body, with the object that the host fills in.
Result<std::string> request_of(const contract::Action& action, const ObjectRef& object, const std::string& body) {
  const auto& type = *action.method.request;
  const std::string given = TRY(contract::json_to_message(type, body.empty() ? "{}" : body));
  TRY_STATUS(contract::validate(type, given, nullptr, ""));
  const auto message = TRY(contract::parse_message(type, given));
  const auto& field = *type.find("object")->descriptor;
  if (contract::is_present(*message, field)) {
    contract::Violations violations;
    violations.add("object", "is filled in by the host");
    return violations.status().error();
  }
  message->GetReflection()->MutableMessage(message.get(), &field)->ParseFromString(message_bytes(message_of(object)));
  return message_bytes(*message);
}

StoredIdentity identity_of(const auth::Context& context) {
  StoredIdentity identity;
  identity.set_principal(context.identity.principal);
  identity.set_tenant(context.identity.tenant);
  for (const auto& role : context.identity.roles) identity.add_roles(role);
  identity.set_has_chain(!context.chain.empty());
  return identity;
}
}  // namespace

class Actions::Runner {
 public:
  Runner(Store& store, plugin::Caller& caller, WorkerPool& pool)
      : store_(store),
        impl_(*store.impl_),
        caller_(caller),
        operations_(store, impl_.objects, impl_.options.clock, caller, pool) {}

  Status start() { return operations_.start(); }

  Result<ActionResult> run(const auth::ContextPtr& context, const ActionRequest& request) {
    const auto schema = store_.schema();
    const auto* kind = TRY(impl_.kind_of(*schema, request.ref.kind));
    if (const auto* verb = kind->find_verb(request.verb)) return patch(context, request, *verb);
    const auto* action = kind->find_action(request.verb);
    if (!action) {
      return Error{Code::kNotFound, "a " + kind->name + " has no verb \"" + request.verb + "\"",
                   "resource.unknown-verb"};
    }
    return call(context, request, *action);
  }

 private:
  Result<ActionResult> patch(const auth::ContextPtr& context, const ActionRequest& request,
                             const contract::PatchVerb& verb) {
    if (!request.body.empty()) TRY_STATUS(check_empty(request.body));
    WriteOptions options = request.options;
    options.version.clear();  // the patch is of the newest version
    auto result = TRY(impl_.patch(context, verb.name, request.ref, verb.patch, options));
    if (verb.ready_when && !result.operation.ends_with("-deleted")) result.operation += "-" + verb.name;
    return ActionResult(std::move(result));
  }

  Status check_empty(const std::string& body) {
    const auto* type = store_.schema()->find_message("google.protobuf.Empty");
    if (!type) return {};
    const auto decoded = contract::json_to_message(*type, body);
    return decoded.ok() ? Status() : decoded.error();
  }

  Result<ActionResult> call(const auth::ContextPtr& context, const ActionRequest& request,
                            const contract::Action& action) {
    const auto target = TRY(impl_.target(context, action.verb, request.ref));
    const auto object = TRY(impl_.objects.read(request.ref));
    if (!object || (!request.ref.uid.empty() && request.ref.uid != object->ref.uid)) return not_found(request.ref);
    TRY_STATUS(check_if_match(request.options.if_match, *object));
    if (action.method.flags & (NC_METHOD_CLIENT_STREAM | NC_METHOD_SERVER_STREAM)) {
      return Error{Code::kUnimplemented, "streams of messages are not verbs; a stream of bytes is a descriptor",
                   "action.message-stream"};
    }
    const std::string body = TRY(request_of(action, object->ref, request.body));
    const bool direct = action.read_only || action.stream != contract::ActionStream::kNone;
    if (!direct) return operate(context, request, action, object->ref, body);
    const bool would_stream = action.stream != contract::ActionStream::kNone;
    if (would_stream && request.options.effect == Effect::kDryRun) return ActionResult(ActionReply{"{}", {}});
    if (!action.read_only) TRY_STATUS(audit(*context, action, *object));
    return answer(context, action, body);
  }

  Status audit(const auth::Context& context, const contract::Action& action, const StoredObject& object) {
    auto record = impl_.writer.audit(context, action.verb, object.ref, object.revision(),
                                     action.service + "/" + action.method.name);
    TRY(impl_.objects.sync().put(std::move(record.key), std::move(record.value)));
    return {};
  }

  Result<ActionResult> answer(const auth::ContextPtr& context, const contract::Action& action,
                              const std::string& body) {
    plugin::CallOptions options;
    options.context = context;
    auto reply = TRY(caller_.call(action.service, action.method.name, {}, {body, {}}, options));
    ActionReply out;
    out.json = TRY(contract::message_to_json(*action.method.reply, reply.body));
    out.fds = std::move(reply.fds);
    return ActionResult(std::move(out));
  }

  Result<ActionResult> operate(const auth::ContextPtr& context, const ActionRequest& request,
                               const contract::Action& action, const ObjectRef& object, const std::string& body) {
    const std::string uid = impl_.writer.uuid();
    const std::string tenant = object.tenant.empty() ? std::string(kDefaultTenant) : object.tenant;
    const ObjectRef ref{std::string(kOperationKind), tenant, uid};
    const auto schema = store_.schema();
    const auto* kind = schema->find_kind(kOperationKind);
    const Store::Impl::Target target{schema, kind, ref, kind};
    WriteOptions options = request.options;
    options.if_match.clear();  // it was the object's
    const auto decide = [&](const StoredObject*) -> Result<Draft> {
      return draft(target, *context, action, object, body, uid);
    };
    WriteRequest write{context, ref, action.verb, options, decide};
    write.extra.push_back({operation_key(uid), message_bytes(identity_of(*context))});
    auto result = TRY(impl_.writer.write(write));
    if (request.options.effect == Effect::kDryRun) return ActionResult(std::move(result.object));
    if (result.replayed) return ActionResult(TRY(store_.get(auth::host_context(""), result.object.ref)));
    operations_.run(result.object.ref, context);
    return ActionResult(std::move(result.object));
  }

  Result<Draft> draft(const Store::Impl::Target& target, const auth::Context& context, const contract::Action& action,
                      const ObjectRef& object, const std::string& body, const std::string& uid) {
    core::v1::OperationSpec spec;
    *spec.mutable_target() = message_of(object);
    spec.set_verb(action.verb);
    spec.set_method(action.service + "/" + action.method.name);
    spec.set_body(body);
    spec.set_principal(context.identity.principal);
    core::v1::OperationStatus status;
    status.set_state(core::v1::OperationStatus::STATE_PENDING);
    Draft draft = TRY(impl_.draft_creation(target, {"", message_bytes(spec), ""}, uid, Effect::kCommit));
    draft.status = message_bytes(status);
    return draft;
  }

  Store& store_;
  Store::Impl& impl_;
  plugin::Caller& caller_;
  OperationRunner operations_;
};

Actions::Actions(Store& store, plugin::Caller& caller, WorkerPool& pool)
    : runner_(std::make_unique<Runner>(store, caller, pool)) {}
Actions::~Actions() = default;

Status Actions::start() {
  return runner_->start();
}

Result<ActionResult> Actions::run(const auth::ContextPtr& context, const ActionRequest& request) {
  return runner_->run(context, request);
}

}  // namespace novacron::host::resource
