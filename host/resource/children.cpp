// What the plugin that carries an operation out asks and says about it.
#include <host/resource/record.pb.h>
#include <novacron/core/v1/host.pb.h>
#include <novacron/core/v1/operation.pb.h>

#include "host/auth/roles.h"
#include "host/base/sha256.h"
#include "host/contract/json.h"
#include "host/resource/actions_impl.h"

namespace novacron::host::resource {

namespace {
using State = core::v1::OperationStatus;

/// The same for the same child, in the form of a UUID of version 8.
std::string child_uid(const std::string& parent, const std::string& key) {
  std::string hex = sha256_hex(parent + "/" + key).substr(0, 32);
  hex[12] = '8';
  hex[16] = "89ab"[static_cast<unsigned char>(hex[16]) & 3];
  for (const size_t dash : {8, 13, 18, 23}) hex.insert(dash, 1, '-');
  return hex;
}

Error no_such_child(const ObjectRef& ref) {
  return {Code::kNotFound, ref.name + " is no child of this operation", "operation.no-child"};
}

Status check_key(const std::string& key) {
  if (!key.empty() && key.size() <= kMaxChildKeyBytes) return {};
  return Error{Code::kInvalidArgument, "key: 1 to 128 bytes", "field.invalid"};
}

/// A child that was there before is this one, or the key was used for two.
bool is_same(const core::v1::OperationSpec& spec, const contract::Action& action, const ObjectRef& object) {
  return spec.verb() == action.verb && spec.target().uid() == object.uid;
}

/// The reply as the method gave it, but for secrets.
std::string reply_of(const contract::Schema& schema, const std::string& name, const std::string& json) {
  const size_t slash = name.find('/');
  const auto* service = schema.find_service(name.substr(0, slash));
  const auto* method =
      service == nullptr || slash == std::string::npos ? nullptr : service->find(name.substr(slash + 1));
  if (method == nullptr || json.empty()) return {};
  auto reply = contract::json_to_message(*method->reply, json);
  return reply.ok() ? *std::move(reply) : std::string();
}
}  // namespace

Result<ObjectRef> operation_of(const auth::Context& context) {
  const auto& scope = context.operation;
  if (scope == nullptr || context.chain.size() != scope->chain + 1) {
    return Error{Code::kFailedPrecondition,
                 "this is not called on behalf of a call that carries an operation out: pass that call's own context",
                 "operation.none"};
  }
  return ObjectRef{std::string(kOperationKind), scope->tenant, scope->name, scope->name};
}

Result<CurrentOperation> Actions::Runner::current(const auth::Context& context) {
  CurrentOperation current{TRY(operation_of(context)), {}, 0, false};
  current.checkpoint = TRY(operations_.progress().checkpoint(current.ref.name));
  const auto object = TRY(impl_.objects.read(current.ref));
  core::v1::OperationStatus status;
  if (!object || !status.ParseFromString(object->status)) return not_found(current.ref);
  current.attempt = status.attempts();
  current.cancel = operations_.is_cancelled(current.ref.name);
  return current;
}

Result<ObjectRef> Actions::Runner::start_child(const auth::ContextPtr& context, const ChildRequest& request) {
  const ObjectRef parent = TRY(operation_of(*context));
  TRY_STATUS(check_key(request.key));
  const uint32_t depth = context->operation->depth + 1;
  if (depth >= kMaxOperationDepth) {
    return Error{Code::kResourceExhausted, "operations start operations at most 4 deep", "operation.depth"};
  }
  const auto schema = store_.schema();
  const auto* kind = TRY(impl_.kind_of(*schema, request.target.kind));
  const auto* action = kind->find_action(request.verb);
  if (!action || action->read_only || action->stream != contract::ActionStream::kNone) {
    return Error{Code::kInvalidArgument, "\"" + request.verb + "\" of a " + kind->name + " is no operation: call it",
                 "operation.verb"};
  }
  TRY(impl_.target(context, action->verb, request.target));
  const auto object = TRY(impl_.objects.read(request.target));
  if (!object) return not_found(request.target);
  const std::string body = TRY(with_object(*action, object->ref, request.request));
  const Start start{*action, object->ref, body, child_uid(parent.name, request.key), parent, depth};
  return begin_child(context, start);
}

Result<ObjectRef> Actions::Runner::begin_child(const auth::ContextPtr& context, const Start& start) {
  const std::string tenant = start.object.tenant.empty() ? std::string(kDefaultTenant) : start.object.tenant;
  const ObjectRef ref{std::string(kOperationKind), tenant, start.uid, start.uid};
  TRY_STATUS(operations_.adopt(start.parent.name, ref));
  const auto written = operate(context, start, {});
  if (!written.ok() || !written->created) operations_.disown(start.parent.name, ref);
  if (!written.ok()) return written.error();
  core::v1::OperationSpec spec;
  if (!spec.ParseFromString(written->object.spec) || !is_same(spec, start.action, start.object)) {
    return Error{Code::kAlreadyExists, "the key belongs to another child of this operation", "operation.key"};
  }
  if (!written->created) return ref;
  operations_.run(ref, context, start.depth, start.parent.name);
  operations_.stop_with_parent(start.parent.name, ref);
  return ref;
}

Status Actions::Runner::check_child(const auth::Context& context, const ObjectRef& child) {
  const ObjectRef parent = TRY(operation_of(context));
  const auto object = TRY(impl_.objects.read({std::string(kOperationKind), child.tenant, child.name}));
  core::v1::OperationSpec spec;
  if (!object || !spec.ParseFromString(object->record->spec()) || spec.parent().name() != parent.name ||
      spec.parent().tenant() != parent.tenant)
    return no_such_child(child);
  return {};
}

Result<core::v1::EndedOperation> Actions::Runner::outcome(const ObjectRef& child) {
  const auto object = TRY(impl_.objects.read({std::string(kOperationKind), child.tenant, child.name}));
  core::v1::OperationSpec spec;
  core::v1::OperationStatus status;
  if (!object || !spec.ParseFromString(object->record->spec()) || !status.ParseFromString(object->status))
    return no_such_child(child);
  if (!status.has_ended_at())
    return Error{Code::kUnavailable, "the host stops before the child has ended", "host.stopping"};
  core::v1::EndedOperation ended;
  ended.set_succeeded(status.state() == State::STATE_SUCCEEDED);
  ended.set_cancelled(status.state() == State::STATE_CANCELLED);
  ended.set_reason(status.reason());
  ended.set_message(status.message());
  ended.set_reply(reply_of(*store_.schema(), spec.method(), status.reply()));
  return ended;
}

Result<CurrentOperation> Actions::current(const auth::Context& context) {
  return runner_->current(context);
}

Result<bool> Actions::report(const auth::Context& context, const ProgressReport& report, uint64_t deadline_ns) {
  const ObjectRef operation = TRY(operation_of(context));
  TRY_STATUS(runner_->operations().progress().report(operation.name, report, deadline_ns));
  return runner_->operations().is_cancelled(operation.name);
}

Result<ObjectRef> Actions::start_child(const auth::ContextPtr& context, const ChildRequest& request) {
  return runner_->start_child(context, request);
}

Status Actions::when_ended(const auth::Context& context, const ObjectRef& child, uint64_t waiter,
                           std::function<void()> ended) {
  TRY_STATUS(runner_->check_child(context, child));
  runner_->operations().when_ended(child, waiter, std::move(ended));
  return {};
}

void Actions::forget_waiter(const ObjectRef& child, uint64_t waiter) {
  runner_->operations().forget_waiter(child, waiter);
}

Result<core::v1::EndedOperation> Actions::outcome(const auth::Context& context, const ObjectRef& child) {
  TRY_STATUS(runner_->check_child(context, child));
  return runner_->outcome(child);
}

}  // namespace novacron::host::resource
