#include <host/resource/record.pb.h>
#include <novacron/core/v1/host.pb.h>

#include <charconv>

#include <google/protobuf/message.h>
#include "host/contract/condition.h"
#include "host/contract/message.h"
#include "host/resource/keys.h"
#include "host/resource/store_impl.h"

namespace novacron::host::resource {

namespace {
using State = core::v1::OperationStatus;

constexpr size_t kUidBytes = 36;

/// A string of the object's status; empty when it has none of that name.
std::string status_text(const contract::Kind& kind, const std::string& status, std::string_view name) {
  const auto* field = kind.status ? kind.status->find(name) : nullptr;
  if (!field || field->type != contract::FieldType::kString || field->cardinality != contract::Cardinality::kSingle) {
    return {};
  }
  const auto message = contract::parse_message(*kind.status, status);
  return message.ok() ? contract::read_scalar(**message, *field->descriptor).text : std::string();
}

Result<State::State> state_of(const contract::Kind& kind, const StoredObject& object, const ConvergeName& name) {
  if (name.generation == 0) return State::STATE_RUNNING;  // what was deleted is still there
  const auto* verb = kind.find_verb(name.verb);
  const auto* ready_when = verb ? verb->ready_when.get() : nullptr;
  const auto convergence = TRY(contract::convergence(kind, ready_when, message_bytes(object.metadata()),
                                                     object.record->spec(), object.status, name.generation));
  if (convergence == contract::Convergence::kReady) return State::STATE_SUCCEEDED;
  return convergence == contract::Convergence::kFailed ? State::STATE_FAILED : State::STATE_RUNNING;
}

ObjectView operation_view(std::shared_ptr<const contract::Schema> schema, const ObjectRef& ref, const ObjectRef& target,
                          const std::string& verb, const core::v1::OperationStatus& status, uint64_t revision) {
  ObjectView view;
  view.kind = schema->find_kind(kOperationKind);
  view.schema = std::move(schema);
  view.ref = ref;
  core::v1::Metadata metadata;
  metadata.set_name(ref.name);
  metadata.set_tenant(ref.tenant);
  metadata.set_uid(ref.name);
  metadata.set_generation(1);
  metadata.set_revision(revision);
  core::v1::OperationSpec spec;
  spec.mutable_target()->set_kind(target.kind);
  spec.mutable_target()->set_tenant(target.tenant);
  spec.mutable_target()->set_name(target.name);
  spec.mutable_target()->set_uid(target.uid);
  spec.set_verb(verb);
  view.ref.uid = ref.name;
  view.metadata = message_bytes(metadata);
  view.spec = message_bytes(spec);
  view.status = message_bytes(status);
  view.generation = 1;
  view.revision = revision;
  return view;
}
}  // namespace

std::optional<ConvergeName> parse_converge_name(std::string_view name) {
  if (name.size() <= kUidBytes + 1 || name[kUidBytes] != '-') return std::nullopt;
  ConvergeName out;
  out.uid = name.substr(0, kUidBytes);
  name.remove_prefix(kUidBytes + 1);
  if (name == "deleted") return out;
  if (!name.starts_with('g')) return std::nullopt;
  const char* end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data() + 1, end, out.generation);
  if (error != std::errc() || out.generation == 0) return std::nullopt;
  if (rest == end) return out;
  if (*rest != '-') return std::nullopt;
  out.verb = std::string(rest + 1, end);
  return out;
}

Result<std::optional<ObjectView>> Store::Impl::converge_operation(const auth::ContextPtr& context,
                                                                  const ObjectRef& ref) {
  const auto name = parse_converge_name(ref.name);
  if (!name) return std::optional<ObjectView>();
  const auto schema = contracts.schema();
  core::v1::OperationStatus status;
  const auto target = objects.find_uid(name->uid);
  const auto object = target.ok() ? TRY(objects.read(*target)) : std::optional<StoredObject>();
  if (!object) {  // its uid is never used again
    if (name->generation != 0) return not_found(ref);
    TRY_STATUS(authorize(context, "get", ref));
    status.set_state(State::STATE_SUCCEEDED);
    status.set_percent(100);
    return std::optional<ObjectView>(operation_view(schema, ref, {"", "", "", name->uid}, "delete", status, 0));
  }
  TRY_STATUS(authorize(context, "get", object->ref));
  if (!object->ref.tenant.empty() && object->ref.tenant != ref.tenant) return not_found(ref);
  if (name->generation > object->metadata().generation()) return not_found(ref);
  const auto* kind = TRY(kind_of(*schema, object->ref.kind));
  status.set_state(TRY(state_of(*kind, *object, *name)));
  status.set_percent(status.state() == State::STATE_SUCCEEDED ? 100 : 0);
  status.set_message(status_text(*kind, object->status, "message"));
  status.set_reason(status_text(*kind, object->status, "reason"));
  const std::string verb = name->generation == 0 ? "delete" : name->verb.empty() ? "update" : name->verb;
  return std::optional<ObjectView>(operation_view(schema, ref, object->ref, verb, status, object->revision()));
}

}  // namespace novacron::host::resource
