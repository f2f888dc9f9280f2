// Taking back what a verb did, where the contract says by which other verb.
#include <host/resource/record.pb.h>
#include <novacron/core/v1/host.pb.h>

#include "host/resource/actions_impl.h"
#include "host/resource/keys.h"

namespace novacron::host::resource {

namespace {
using State = core::v1::OperationStatus;

Error refused(std::string why, std::string reason) {
  return {Code::kFailedPrecondition, std::move(why), std::move(reason)};
}

Error undone_already() {
  return refused("it has been undone already", "operation.undone");
}

Error target_changed(const ObjectRef& target) {
  return refused(describe(target) + " has changed since; change it as it should be", "operation.target-changed");
}

Error no_undo(const std::string& verb) {
  return refused("the contract names no verb that takes back " + (verb.empty() ? "such a change" : "\"" + verb + "\""),
                 "operation.no-undo");
}

ObjectRef ref_of(const core::v1::ObjectRef& ref) {
  return {ref.kind(), ref.tenant(), ref.name(), ref.uid()};
}
}  // namespace

/// A change of the spec: only an object's last one can be taken back, and that is what is remembered.
Result<Actions::Runner::Undo> Actions::Runner::undo_of_change(const ConvergeName& name, const ObjectRef& ref) {
  const auto target = TRY(impl_.objects.find_uid(name.uid));
  const auto object = TRY(impl_.objects.read(target));
  if (!object || name.generation == 0) return refused("what is deleted does not come back", "operation.no-undo");
  const auto entry = TRY(impl_.objects.sync().get(change_key(name.uid)));
  StoredChange change;
  if (entry && !change.ParseFromString(entry->value)) change.Clear();
  if (change.undoes() == name.generation) return undone_already();
  if (object->metadata().generation() != name.generation) return target_changed(object->ref);
  const auto schema = store_.schema();
  const auto* kind = TRY(impl_.kind_of(*schema, target.kind));
  const auto* verb = change.generation() == name.generation ? kind->find_verb(change.verb()) : nullptr;
  if (verb == nullptr || verb->undo.empty()) return no_undo(verb ? verb->name : name.verb);
  Undo undo{ref, object->ref, verb->undo, name.generation, {}};
  change.set_undoes(name.generation);  // also where the undo is an action, which changes no generation
  undo.together.compares.push_back(state::Compare::unchanged(change_key(name.uid), entry->mod_revision));
  if (kind->find_action(undo.verb)) undo.together.puts.push_back({change_key(name.uid), message_bytes(change)});
  return undo;
}

Result<Actions::Runner::Undo> Actions::Runner::undo_of_action(const ObjectRef& ref) {
  const auto operation = TRY(impl_.objects.read(ref));
  core::v1::OperationSpec spec;
  core::v1::OperationStatus status;
  if (!operation) return not_found(ref);
  if (!spec.ParseFromString(operation->record->spec()) || !status.ParseFromString(operation->status))
    return Error{Code::kDataLoss, describe(ref) + " cannot be read", "resource.corrupt"};
  if (!status.undone_by().empty()) return undone_already();
  if (status.state() != State::STATE_SUCCEEDED)
    return refused("it has not succeeded, so there is nothing to take back", "operation.not-succeeded");
  const ObjectRef target = ref_of(spec.target());
  const auto schema = store_.schema();
  const auto* kind = TRY(impl_.kind_of(*schema, target.kind));
  const auto* action = kind->find_action(spec.verb());
  if (action == nullptr || action->undo.empty()) return no_undo(spec.verb());
  const auto object = TRY(impl_.objects.read(target));
  if (!object || object->ref.uid != target.uid) return not_found(target);
  if (object->metadata().generation() != status.target_generation()) return target_changed(target);
  Undo undo{operation->ref, object->ref, action->undo, status.target_generation(), {}};
  undo.together.compares.push_back(state::Compare::unchanged(status_key(ref), operation->status_revision));
  return undo;
}

Result<ActionResult> Actions::Runner::undo(const auth::ContextPtr& context, const ObjectRef& ref,
                                           const WriteOptions& options) {
  TRY(store_.get(context, ref));  // may the caller see it
  const auto name = parse_converge_name(ref.name);
  auto undo = TRY(name ? undo_of_change(*name, ref) : undo_of_action(ref));
  undo.together.note.command = "novacron operation undo " + ref.name;
  return take_back(context, undo, options);
}

Result<ActionResult> Actions::Runner::take_back(const auth::ContextPtr& context, const Undo& undo,
                                                const WriteOptions& options) {
  const auto schema = store_.schema();
  const auto* kind = TRY(impl_.kind_of(*schema, undo.target.kind));
  if (const auto* verb = kind->find_verb(undo.verb)) return change_back(context, undo, *verb, options);
  const auto* action = kind->find_action(undo.verb);
  if (action == nullptr) return no_undo(undo.verb);
  return call_back(context, undo, *action, options);
}

Result<ActionResult> Actions::Runner::change_back(const auth::ContextPtr& context, const Undo& undo,
                                                  const contract::PatchVerb& verb, WriteOptions options) {
  Together together = undo.together;
  options.if_match = undo.target.uid + "-g" + std::to_string(undo.generation);
  options.undoes = undo.generation;
  options.version.clear();  // the patch is of the newest version
  if (!parse_converge_name(undo.operation.name)) {
    const std::string by = undo.target.uid + "-g" + std::to_string(undo.generation + 1) + "-" + verb.name;
    together.puts.push_back(TRY(mark_undone(undo.operation, by)));
  }
  auto result = TRY(impl_.patch(context, verb.name, undo.target, verb.patch, options, together));
  if (!result.operation.ends_with("-deleted")) result.operation += "-" + verb.name;
  return ActionResult(std::move(result));
}

Result<ActionResult> Actions::Runner::call_back(const auth::ContextPtr& context, const Undo& undo,
                                                const contract::Action& action, const WriteOptions& options) {
  Together together = undo.together;
  const std::string uid = impl_.writer.uuid();
  TRY(impl_.target(context, action.verb, undo.target));
  const std::string body = TRY(with_object(action, undo.target, ""));
  if (!parse_converge_name(undo.operation.name)) together.puts.push_back(TRY(mark_undone(undo.operation, uid)));
  const auto object = TRY(impl_.objects.read(undo.target));
  if (!object) return not_found(undo.target);
  together.compares.push_back(state::Compare::unchanged(spec_key(undo.target), object->spec_revision));
  const Start start{action, undo.target, body, uid, {}, 0, undo.operation.name, together};
  return started(context, operate(context, start, options), options.effect);
}

/// The status of an operation that has been taken back.
Result<state::Put> Actions::Runner::mark_undone(const ObjectRef& ref, const std::string& by) {
  const auto operation = TRY(impl_.objects.read(ref));
  core::v1::OperationStatus status;
  if (!operation || !status.ParseFromString(operation->status)) return not_found(ref);
  status.set_undone_by(by);
  return state::Put{status_key(ref), message_bytes(status)};
}

}  // namespace novacron::host::resource
