#include "host/resource/actions.h"

#include <host/resource/record.pb.h>
#include <novacron/core/v1/host.pb.h>
#include <novacron/core/v1/operation.pb.h>

#include <nlohmann/json.hpp>

#include "host/auth/roles.h"
#include "host/contract/command_line.h"
#include "host/contract/message.h"
#include "host/contract/validate.h"
#include "host/contract/violations.h"
#include "host/resource/actions_impl.h"
#include "host/resource/identity.h"
#include "host/resource/keys.h"
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
  return with_object(action, object,
                     TRY(contract::json_to_message(*action.method.request, body.empty() ? "{}" : body)));
}
}  // namespace

Result<std::string> with_object(const contract::Action& action, const ObjectRef& object, const std::string& given) {
  const auto& type = *action.method.request;
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

Result<ActionResult> Actions::Runner::run(const auth::ContextPtr& context, const ActionRequest& request) {
  const auto schema = store_.schema();
  const auto* kind = TRY(impl_.kind_of(*schema, request.ref.kind));
  if (kind->id == kOperationKind && request.verb == "undo") {
    if (!request.body.empty()) TRY_STATUS(check_empty(request.body));
    return undo(context, request.ref, request.options);
  }
  if (const auto* verb = kind->find_verb(request.verb)) return patch(context, request, *verb);
  const auto* action = kind->find_action(request.verb);
  if (!action) {
    return Error{Code::kNotFound, "a " + kind->name + " has no verb \"" + request.verb + "\"", "resource.unknown-verb"};
  }
  return call(context, request, *action);
}

Result<ActionResult> Actions::Runner::patch(const auth::ContextPtr& context, const ActionRequest& request,
                                            const contract::PatchVerb& verb) {
  if (!request.body.empty()) TRY_STATUS(check_empty(request.body));
  WriteOptions options = request.options;
  options.version.clear();  // the patch is of the newest version
  auto result = TRY(impl_.patch(context, verb.name, request.ref, verb.patch, options));
  if (!result.operation.ends_with("-deleted")) result.operation += "-" + verb.name;
  return ActionResult(std::move(result));
}

Status Actions::Runner::check_empty(const std::string& body) {
  const auto* type = store_.schema()->find_message("google.protobuf.Empty");
  if (!type) return {};
  const auto decoded = contract::json_to_message(*type, body);
  return decoded.ok() ? Status() : decoded.error();
}

Result<ActionResult> Actions::Runner::call(const auth::ContextPtr& context, const ActionRequest& request,
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
  if (!direct) {
    const Start start{action, object->ref, body, impl_.writer.uuid()};
    return started(context, operate(context, start, request.options), request.options.effect);
  }
  const bool would_stream = action.stream != contract::ActionStream::kNone;
  if (would_stream && request.options.effect == Effect::kDryRun) return ActionResult(ActionReply{"{}", {}});
  if (!action.read_only) TRY_STATUS(audit(*context, action, *object));
  return answer(context, action, body);
}

Status Actions::Runner::audit(const auth::Context& context, const contract::Action& action,
                              const StoredObject& object) {
  auto record = impl_.writer.audit(context, action.verb, object.ref, object.revision(),
                                   action.service + "/" + action.method.name);
  TRY(impl_.objects.sync().put(std::move(record.key), std::move(record.value)));
  return {};
}

Result<ActionResult> Actions::Runner::answer(const auth::ContextPtr& context, const contract::Action& action,
                                             const std::string& body) {
  plugin::CallOptions options;
  options.context = context;
  auto reply = TRY(caller_.call(action.service, action.method.name, {}, {body, {}}, options));
  ActionReply out;
  out.json = TRY(contract::message_to_json(*action.method.reply, reply.body));
  out.fds = std::move(reply.fds);
  return ActionResult(std::move(out));
}

/// Stores the operation. One with that uid may be there already: a child that was started before.
Result<WriteResult> Actions::Runner::operate(const auth::ContextPtr& context, const Start& start,
                                             WriteOptions options) {
  const std::string tenant = start.object.tenant.empty() ? std::string(kDefaultTenant) : start.object.tenant;
  const ObjectRef ref{std::string(kOperationKind), tenant, start.uid};
  const auto schema = store_.schema();
  const auto* operation_kind = schema->find_kind(kOperationKind);
  const Store::Impl::Target target{schema, operation_kind, ref, operation_kind};
  options.if_match.clear();  // it was the object's
  options.version.clear();
  const auto decide = [&](const StoredObject* current) -> Result<Draft> {
    if (current == nullptr) return draft(target, *context, start);
    return Draft{std::make_shared<StoredSpec>(*current->record), {}};
  };
  WriteRequest write{context, ref, start.action.verb, options, decide};
  StoredIdentity identity = identity_of(*context);
  identity.set_depth(start.depth);
  write.extra = start.together.puts;
  write.extra.push_back({operation_key(start.uid), message_bytes(identity)});
  write.extra_compares = start.together.compares;
  write.note = {start.object, start.uid, "STARTED", command_of(start)};
  write.inspect = [&](const StoredObject*, const StoredObject*) -> Result<std::vector<PlannedEffect>> {
    const auto object = TRY(impl_.objects.read(start.object));
    const auto* kind = TRY(impl_.kind_of(*schema, start.object.kind));
    auto effects = TRY(
        impl_.effects_of(*context, start.action.verb, *kind, object ? &*object : nullptr, object ? &*object : nullptr));
    effects.front() = {start.object.kind + "/" + start.object.name, "call",
                       "calls " + start.action.service + "/" + start.action.method.name + ", followed by an operation"};
    return effects;
  };
  return impl_.writer.write(write);
}

/// Without secrets: by the JSON that shows none.
std::string Actions::Runner::command_of(const Start& start) const {
  const auto schema = store_.schema();
  const auto* kind = schema->find_kind(start.object.kind);
  if (kind == nullptr) return {};
  const auto text = contract::message_to_json(*start.action.method.request, start.body);
  auto body = nlohmann::json::parse(text.ok() ? *text : "{}", nullptr, false);
  body.erase("object");
  return contract::verb_command_line({*kind, start.object.tenant, start.object.name}, start.action.verb,
                                     start.action.method.request, body);
}

Result<ActionResult> Actions::Runner::started(const auth::ContextPtr& context, Result<WriteResult> written,
                                              Effect effect) {
  auto result = TRY(std::move(written));
  result.operation.clear();
  if (effect == Effect::kDryRun) return ActionResult(std::move(result));
  if (result.replayed) return ActionResult(TRY(store_.get(auth::host_context(""), result.object.ref)));
  operations_.run(result.object.ref, context, 0);
  return ActionResult(std::move(result.object));
}

Result<Draft> Actions::Runner::draft(const Store::Impl::Target& target, const auth::Context& context,
                                     const Start& start) {
  core::v1::OperationSpec spec;
  *spec.mutable_target() = message_of(start.object);
  spec.set_verb(start.action.verb);
  spec.set_method(start.action.service + "/" + start.action.method.name);
  spec.set_body(start.body);
  spec.set_principal(context.identity.principal);
  spec.set_request_id(context.request_id);
  spec.set_command(command_of(start));
  spec.set_undoes(start.undoes);
  if (!start.parent.name.empty()) *spec.mutable_parent() = message_of(start.parent);
  core::v1::OperationStatus status;
  status.set_state(core::v1::OperationStatus::STATE_PENDING);
  Draft draft = TRY(impl_.draft_creation(target, {"", message_bytes(spec), ""}, start.uid, Effect::kCommit));
  draft.status = message_bytes(status);
  return draft;
}

Actions::Actions(Store& store, plugin::Caller& caller, WorkerPool& pool, TimerQueue& timers, trace::Tracer* tracer)
    : runner_(std::make_unique<Runner>(store, caller, pool, timers, tracer)) {}
Actions::~Actions() = default;

void Actions::stop() {
  runner_->operations().stop();
}

Status Actions::start() {
  return runner_->start();
}

Result<ActionResult> Actions::run(const auth::ContextPtr& context, const ActionRequest& request) {
  return runner_->run(context, request);
}

}  // namespace novacron::host::resource
