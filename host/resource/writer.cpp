#include "host/resource/writer.h"

#include <host/resource/record.pb.h>

#include <cstdio>

#include "host/resource/keys.h"
#include "host/resource/metadata.h"
#include "host/resource/plan.h"
#include "host/resource/requests.h"

namespace novacron::host::resource {

namespace {
/// As it will be; a removed one as it was.
StoredObject object_of(const ObjectRef& ref, const StoredObject* current, const Draft& draft) {
  StoredObject object;
  if (current) object = *current;
  object.ref = ref;
  if (draft.record) object.record = draft.record;
  object.ref.uid = object.record->metadata().uid();
  if (draft.status) object.status = *draft.status;
  return object;
}
}  // namespace

void Writer::Plan::depend_on(const StoredObject& object) {
  expect(state::Compare::unchanged(spec_key(object.ref), object.spec_revision));
  put(mark_key(object.ref.uid), "");
}

Result<WriteResult> Writer::write(const WriteRequest& request) {
  const uint64_t deadline_ns = parts_.clock.monotonic_ns() + request.options.timeout_ns;
  for (size_t i = 0; i < kMaxWriteAttempts && parts_.clock.monotonic_ns() < deadline_ns; ++i) {
    bool again = false;
    auto result = attempt(request, again);
    if (!again) return result;
  }
  return Error{Code::kAborted, describe(request.ref) + " is changed by others all the time; try again",
               "resource.contention"};
}

Result<WriteResult> Writer::attempt(const WriteRequest& request, bool& again) {
  auto replayed = TRY(replay(request));
  if (replayed) return std::move(*replayed);
  const auto read = TRY(parts_.objects.read(request.ref));
  const StoredObject* current = read ? &*read : nullptr;
  Plan plan;
  TRY_STATUS(check_preconditions(request, current, plan));
  Draft draft = TRY(request.decide(current));
  TRY_STATUS(this->plan(request, current, draft, plan));
  TRY_STATUS(check_size(request.ref, draft, current));
  StoredObject object = object_of(request.ref, current, draft);
  WriteResult result = result_of(object, plan);
  if (request.options.effect == Effect::kDryRun && request.inspect) {
    result.effects = std::move(draft.admitted);
    for (auto& effect : TRY(request.inspect(current, plan.removes ? nullptr : &object)))
      result.effects.push_back(std::move(effect));
  }
  if (plan.changes() && request.options.effect == Effect::kCommit) {
    TRY_STATUS(commit(request, current, std::move(object), plan, result, again));
  }
  return result;
}

Status Writer::commit(const WriteRequest& request, const StoredObject* current, StoredObject object, Plan& plan,
                      WriteResult& result, bool& again) {
  TRY_STATUS(plan_idempotency(request, result, plan));
  plan_records(request, current, object, result, plan);
  for (const auto& put : request.extra) plan.put(put.key, put.value);
  for (const auto& compare : request.extra_compares) plan.expect(compare);
  const auto reply = TRY(parts_.objects.sync().txn(std::move(plan.txn)));
  again = !reply.succeeded;
  if (plan.changes_spec) object.spec_revision = reply.revision;
  if (plan.changes_status) object.status_revision = reply.revision;
  if (!plan.removes) result.object = view_of(parts_.contracts.schema(), object);
  return {};
}

/// What is kept about the write besides the object itself.
void Writer::plan_records(const WriteRequest& request, const StoredObject* current, const StoredObject& object,
                          const WriteResult& result, Plan& plan) {
  if (request.options.audit == WriteOptions::Audit::kRecord) {
    auto record = audit(*request.context, request.verb, object.ref, object.revision(), "");
    plan.put(std::move(record.key), std::move(record.value));
  }
  if (plan.removes)
    plan.remove(change_key(object.ref.uid));
  else if (plan.changes_spec)
    plan_change(request, object, plan);
  if (!is_task(*request.context, request.verb)) return;
  const auto& note = request.note;
  auto task = task_of(*request.context, request.verb, note.object.kind.empty() ? object.ref : note.object,
                      parts_.clock.real_ns());
  task.set_outcome(note.outcome);
  task.set_operation(note.operation.empty() ? result.operation : note.operation);
  task.set_command(note.command.empty() ? command_of(request, current, object) : note.command);
  auto entry = task_entry(task, next_number(), uuid());
  plan.put(std::move(entry.key), std::move(entry.value));
}

Status Writer::check_preconditions(const WriteRequest& request, const StoredObject* current, Plan& plan) {
  if (!current) return {};
  const auto& ref = request.ref;
  if (!ref.uid.empty() && ref.uid != current->ref.uid) {
    return Error{Code::kNotFound, describe(ref) + " is another one now, with the uid " + current->ref.uid,
                 "resource.not-found"};
  }
  const auto& options = request.options;
  TRY_STATUS(check_if_match(options.if_match, *current));
  if (options.expected_spec_revision != 0 && options.expected_spec_revision != current->spec_revision) {
    return conflict("the spec of " + describe(ref) + " has revision " + std::to_string(current->spec_revision) +
                    " now, not " + std::to_string(options.expected_spec_revision));
  }
  if (request.status_revision && *request.status_revision != current->status_revision) {
    return conflict("the status of " + describe(ref) + " has revision " + std::to_string(current->status_revision) +
                    " now, not " + std::to_string(*request.status_revision));
  }
  if (!request.status_only || !options.if_match.empty()) {
    plan.expect(state::Compare::unchanged(spec_key(ref), current->spec_revision));
  } else {
    plan.expect(state::Compare::exists(uid_key(current->ref.uid)));
  }
  const bool by_revision = !options.if_match.empty() && options.if_match.find("-g") == std::string::npos;
  if (by_revision || request.status_revision) {
    plan.expect(state::Compare::unchanged(status_key(ref), current->status_revision));
  }
  return {};
}

Status Writer::check_size(const ObjectRef& ref, const Draft& draft, const StoredObject* current) const {
  if (!draft.record) return {};
  const size_t status = draft.status ? draft.status->size() : current ? current->status.size() : 0;
  const size_t size = draft.record->ByteSizeLong() + status;
  if (size <= kMaxResourceBytes) return {};
  return Error{Code::kResourceExhausted,
               describe(ref) + " would have " + std::to_string(size) + " bytes; a resource has at most " +
                   std::to_string(kMaxResourceBytes),
               "resource.too-large"};
}

WriteResult Writer::result_of(const StoredObject& object, const Plan& plan) const {
  WriteResult result;
  result.object = view_of(parts_.contracts.schema(), object);
  result.changed = plan.changes();
  result.created = plan.creates;
  const bool deletes = plan.removes || object.metadata().has_deleted_at();
  result.operation = object.ref.uid + (deletes ? "-deleted" : "-g" + std::to_string(object.metadata().generation()));
  return result;
}

std::string Writer::uuid() {
  unsigned char bytes[16];
  parts_.random.fill(bytes, sizeof bytes);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);  // RFC 9562, version 4
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  std::string out;
  for (size_t i = 0; i < sizeof bytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    char text[3];
    std::snprintf(text, sizeof text, "%02x", bytes[i]);
    out += text;
  }
  return out;
}

state::Put Writer::audit(const auth::Context& context, std::string_view verb, const ObjectRef& ref, uint64_t revision,
                         std::string detail) {
  AuditRecord record;
  record.set_time_ns(parts_.clock.real_ns());
  record.set_principal(context.identity.principal);
  for (const auto& grant : context.chain) record.add_chain(grant->plugin);
  record.set_verb(std::string(verb));
  auto& object = *record.mutable_object();
  object.set_kind(ref.kind);
  object.set_tenant(ref.tenant);
  object.set_name(ref.name);
  object.set_uid(ref.uid);
  record.set_previous_revision(revision);
  record.set_request_id(context.request_id);
  record.set_trace_parent(context.trace_parent);
  record.set_detail(std::move(detail));
  char time[48];
  std::snprintf(time, sizeof time, "%020llu-%010u", static_cast<unsigned long long>(record.time_ns()), audits_++);
  return {std::string(kAuditPrefix) + time + "-" + uuid().substr(0, 8), message_bytes(record)};
}

Result<std::optional<WriteResult>> Writer::replay(const WriteRequest& request) {
  const auto& idempotency = request.options.idempotency;
  if (!idempotency) return std::optional<WriteResult>();
  const auto seen =
      TRY(find_request(parts_.objects, *request.context, request.ref.tenant, *idempotency, parts_.clock.real_ns()));
  if (!seen.record) return std::optional<WriteResult>();
  WriteResult result;
  result.replayed = true;
  result.operation = seen.record->operation();
  const ObjectRef ref = seen.ref();
  auto then = parts_.objects.read(ref, seen.record->removed() ? seen.revision - 1 : seen.revision);
  if (then.code() == Code::kOutOfRange) then = parts_.objects.read(ref);  // history is not kept that long
  const auto object = TRY(std::move(then));
  if (!object) return not_found(ref);
  result.object = view_of(parts_.contracts.schema(), *object);
  return std::optional<WriteResult>(std::move(result));
}

Status Writer::plan_idempotency(const WriteRequest& request, const WriteResult& result, Plan& plan) {
  const auto& idempotency = request.options.idempotency;
  if (!idempotency) return {};
  const uint64_t now_ns = parts_.clock.real_ns();
  const auto seen = TRY(find_request(parts_.objects, *request.context, request.ref.tenant, *idempotency, now_ns));
  plan.expect(state::Compare::unchanged(seen.key, seen.revision));
  auto put = request_record(*idempotency, result.object.ref, now_ns);
  put.set_operation(result.operation);
  put.set_removed(plan.removes);
  plan.put(seen.key, message_bytes(put));
  return {};
}

}  // namespace novacron::host::resource
