#include <host/resource/record.pb.h>
#include <novacron/core/v1/host.pb.h>

#include <algorithm>

#include "host/contract/validate.h"
#include "host/contract/violations.h"
#include "host/resource/body.h"
#include "host/resource/effects.h"
#include "host/resource/metadata.h"
#include "host/resource/store_impl.h"

namespace novacron::host::resource {

namespace {
constexpr uint64_t kSecondNs = 1'000'000'000;

void set_time(google::protobuf::Timestamp& time, uint64_t real_ns) {
  time.set_seconds(static_cast<int64_t>(real_ns / kSecondNs));
  time.set_nanos(static_cast<int32_t>(real_ns % kSecondNs));
}

std::shared_ptr<StoredSpec> copy_of(const StoredObject& object) {
  return std::make_shared<StoredSpec>(*object.record);
}

Status check_record(const StoredSpec& record) {
  contract::Violations violations;
  check_metadata(record.metadata(), violations);
  return violations.status();
}
}  // namespace

Result<contract::Parts> Store::Impl::parts_of(const contract::Kind& kind, const Body& body) const {
  if (body.is_json) return contract::parts_from_json(kind, body.text);
  return contract::Parts{body.metadata, body.spec, ""};
}

Result<std::string> Store::Impl::finish_spec(const Target& target, const std::string& spec, const std::string* previous,
                                             Effect effect) {
  const auto& type = *target.kind->spec;
  std::string finished = TRY(contract::carry_over(*target.spoken->spec, spec, previous ? *previous : "", "spec"));
  finished = TRY(contract::apply_defaults(type, finished));
  TRY_STATUS(contract::validate(type, finished, previous, "spec"));
  if (target.kind->id != kContractKind) return finished;
  const std::string complete = TRY(contracts.prepare(target.ref, finished));
  if (effect == Effect::kCommit) TRY_STATUS(contracts.store_pieces(complete));
  core::v1::ContractSpec stored;
  if (!stored.ParseFromString(complete)) return Error{Code::kInternal, "a contract cannot be read", "resource.corrupt"};
  stored.clear_descriptor_set();
  return message_bytes(stored);
}

Result<Draft> Store::Impl::admitted_draft(const WriteRequest& request, const StoredObject* current) {
  Draft draft = TRY(request.decide(current));
  Target target{contracts.schema(), nullptr, request.ref};
  target.kind = TRY(kind_of(*target.schema, request.ref.kind));
  target.spoken = TRY(version_of(*target.kind, request.options.version));
  const auto refinish = [&](StoredSpec& record) -> Status {
    TRY_STATUS(check_record(record));
    const std::string* before = current ? &current->record->spec() : nullptr;
    record.set_spec(TRY(finish_spec(target, record.spec(), before, request.options.effect)));
    const uint64_t generation = current ? current->metadata().generation() : 0;
    const bool same = before && *before == record.spec();
    record.mutable_metadata()->set_generation(same ? generation : generation + 1);
    return {};
  };
  const Admittance write{*request.context, request.verb, request.options.effect, request.ref, *target.kind, current};
  TRY_STATUS(admission->admit(write, draft, refinish));
  return draft;
}

Result<std::vector<PlannedEffect>> Store::Impl::effects_of(const auth::Context& context, std::string_view verb,
                                                           const contract::Kind& kind, const StoredObject* before,
                                                           const StoredObject* after) {
  return EffectPlanner(objects, *watching, caller, options.clock).plan({context, verb, kind, before, after});
}

Result<WriteResult> Store::Impl::write(const WriteRequest& given) {
  WriteRequest request = given;
  const bool by_controller = given.verb == "update_status" || given.verb == "update_finalizers";
  if (admission && !by_controller && !is_host(*given.context))
    request.decide = [this, &given](const StoredObject* current) { return admitted_draft(given, current); };
  if (request.options.effect == Effect::kDryRun && !by_controller) {
    request.inspect = [&](const StoredObject* before, const StoredObject* after) -> Result<std::vector<PlannedEffect>> {
      const auto schema = contracts.schema();
      return effects_of(*given.context, given.verb, *TRY(kind_of(*schema, given.ref.kind)), before, after);
    };
  }
  // The status of a contract says nothing about the schema.
  if (request.ref.kind != kContractKind || given.verb == "update_status") return writer.write(request);
  const std::lock_guard lock(contracts.writers());
  auto result = writer.write(request);
  if (result.ok() && result->changed && request.options.effect == Effect::kCommit) TRY_STATUS(contracts.reload());
  return result;
}

Result<Draft> Store::Impl::draft_creation(const Target& target, const contract::Parts& parts, const std::string& uid,
                                          Effect effect) {
  Draft draft{std::make_shared<StoredSpec>(), {}};
  auto& metadata = *draft.record->mutable_metadata();
  metadata = TRY(metadata_of(parts.metadata));
  metadata.set_name(target.ref.name);
  metadata.set_tenant(target.ref.tenant);
  metadata.set_uid(uid);
  metadata.set_generation(1);
  metadata.clear_revision();
  metadata.clear_managed_fields();
  metadata.clear_deleted_at();
  set_time(*metadata.mutable_created_at(), options.clock.real_ns());
  TRY_STATUS(check_record(*draft.record));
  draft.record->set_spec(TRY(finish_spec(target, parts.spec, nullptr, effect)));
  return draft;
}

Result<WriteResult> Store::create(const auth::ContextPtr& context, const ObjectRef& given, const Body& body,
                                  const WriteOptions& options) {
  const auto schema = this->schema();
  const auto* kind = TRY(impl_->kind_of(*schema, given.kind));
  const auto* spoken = TRY(impl_->version_of(*kind, options.version));
  const auto parts = TRY(impl_->parts_of(*spoken, body));
  const auto metadata = TRY(metadata_of(parts.metadata));
  ObjectRef ref = given;
  TRY_STATUS(agree(metadata, ref));
  const auto target = TRY(impl_->target(context, "create", ref));
  TRY_STATUS(check_host_only(*context, ref));
  const std::string uid = impl_->writer.uuid();
  return impl_->write({context, ref, "create", options, [&](const StoredObject* current) -> Result<Draft> {
                         if (!current) return impl_->draft_creation(target, parts, uid, options.effect);
                         const bool going = current->metadata().has_deleted_at();
                         return Error{Code::kAlreadyExists,
                                      describe(ref) + (going ? " is still being deleted" : " exists already"),
                                      "resource.exists"};
                       }});
}

Result<Draft> Store::Impl::draft_replacement(const Target& target, const contract::Parts& parts,
                                             const StoredObject& current, bool with_finalizers, Effect effect) {
  const auto given = TRY(metadata_of(parts.metadata));
  if (!given.uid().empty() && given.uid() != current.ref.uid) {
    return conflict(describe(target.ref) + " is another one now, with the uid " + current.ref.uid);
  }
  Draft draft{copy_of(current), {}};
  auto& metadata = *draft.record->mutable_metadata();
  *metadata.mutable_labels() = given.labels();
  *metadata.mutable_annotations() = given.annotations();
  *metadata.mutable_owners() = given.owners();
  if (with_finalizers) *metadata.mutable_finalizers() = given.finalizers();
  TRY_STATUS(check_record(*draft.record));
  const std::string& before = current.record->spec();
  draft.record->set_spec(TRY(finish_spec(target, parts.spec, &before, effect)));
  if (draft.record->spec() != before) metadata.set_generation(metadata.generation() + 1);
  if (metadata.has_deleted_at() && metadata.finalizers().empty()) draft.record = nullptr;
  return draft;
}

Result<WriteResult> Store::replace(const auth::ContextPtr& context, const ObjectRef& given, const Body& body,
                                   const WriteOptions& options) {
  const auto schema = this->schema();
  const auto* kind = TRY(impl_->kind_of(*schema, given.kind));
  const auto* spoken = TRY(impl_->version_of(*kind, options.version));
  const auto parts = TRY(impl_->parts_of(*spoken, body));
  const auto metadata = TRY(metadata_of(parts.metadata));
  ObjectRef ref = given;
  TRY_STATUS(agree(metadata, ref));
  const auto target = TRY(impl_->target(context, "update", ref, options.version));
  TRY_STATUS(check_host_only(*context, ref));
  return impl_->write({context, ref, "update", options, [&](const StoredObject* current) -> Result<Draft> {
                         if (!current) return not_found(ref);
                         if (!options.update_mask.empty())
                           return impl_->draft_masked(context, target, parts, *current, options);
                         Draft draft = TRY(impl_->draft_replacement(target, parts, *current, false, options.effect));
                         TRY_STATUS(impl_->attribute_change(*context, target, *current, draft));
                         return draft;
                       }});
}

Result<WriteResult> Store::remove(const auth::ContextPtr& context, const ObjectRef& ref, const WriteOptions& options) {
  const auto target = TRY(impl_->target(context, "delete", ref));
  return impl_->write({context, ref, "delete", options, [&](const StoredObject* current) -> Result<Draft> {
                         if (!current) return not_found(ref);
                         if (current->metadata().finalizers().empty()) return Draft{};
                         Draft draft{copy_of(*current), {}};
                         auto& metadata = *draft.record->mutable_metadata();
                         if (!metadata.has_deleted_at()) {
                           set_time(*metadata.mutable_deleted_at(), impl_->options.clock.real_ns());
                         }
                         return draft;
                       }});
}

Result<RemovalPage> Store::remove_listed(const auth::ContextPtr& context, const ListOptions& wanted, Effect effect) {
  const auto listed = TRY(list(context, wanted));
  RemovalPage page{{}, listed.next_page_token, listed.revision};
  WriteOptions options;
  options.effect = effect;
  for (const auto& object : listed.objects) {
    const auto removed = remove(context, object.ref, options);
    Removal removal{object.ref, {}, false};
    if (removed.ok()) removal.deleting = removed->object.deleting;
    if (!removed.ok() && removed.code() != Code::kNotFound) removal.error = removed.error();
    page.removals.push_back(std::move(removal));
  }
  return page;
}

Result<WriteResult> Store::update_status(const auth::ContextPtr& context, const ObjectRef& ref, std::string status,
                                         uint64_t expected_status_revision, const WriteOptions& options) {
  const auto target = TRY(impl_->target(context, "update_status", ref));
  TRY_STATUS(check_host_only(*context, ref));
  if (!target.kind->status) {
    return Error{Code::kInvalidArgument, "a " + target.kind->name + " has no status", "resource.no-status"};
  }
  TRY_STATUS(contract::validate(*target.kind->status, status, nullptr, "status"));
  WriteRequest request{context, ref, "update_status", options, [&](const StoredObject* current) -> Result<Draft> {
                         if (!current) return not_found(ref);
                         return Draft{copy_of(*current), status};
                       }};
  request.status_only = true;
  if (expected_status_revision != 0) request.status_revision = expected_status_revision;
  return impl_->write(request);
}

Result<WriteResult> Store::Impl::update_status(const auth::ContextPtr& context, const ObjectRef& ref,
                                               const std::string& status, std::vector<state::Put> together) {
  const WriteOptions plain;
  WriteRequest request{context, ref, "update_status", plain, [&](const StoredObject* current) -> Result<Draft> {
                         if (!current) return not_found(ref);
                         return Draft{copy_of(*current), status};
                       }};
  request.status_only = true;
  request.extra = std::move(together);
  return write(request);
}

Result<WriteResult> Store::update_finalizers(const auth::ContextPtr& context, const ObjectRef& ref,
                                             const std::vector<std::string>& add,
                                             const std::vector<std::string>& remove, const WriteOptions& options) {
  const auto target = TRY(impl_->target(context, "update_finalizers", ref));
  return impl_->write(
      {context, ref, "update_finalizers", options, [&](const StoredObject* current) -> Result<Draft> {
         if (!current) return not_found(ref);
         Draft draft{copy_of(*current), {}};
         auto& metadata = *draft.record->mutable_metadata();
         auto& list = *metadata.mutable_finalizers();
         const auto listed = [](const auto& in, const std::string& finalizer) {
           return std::find(in.begin(), in.end(), finalizer) != in.end();
         };
         list.erase(std::remove_if(list.begin(), list.end(), [&](const auto& f) { return listed(remove, f); }),
                    list.end());
         for (const auto& finalizer : add) {
           if (listed(list, finalizer)) continue;
           if (metadata.has_deleted_at()) {
             return Error{Code::kFailedPrecondition, describe(ref) + " is being deleted", "resource.deleting"};
           }
           metadata.add_finalizers(finalizer);
         }
         TRY_STATUS(check_record(*draft.record));
         if (metadata.has_deleted_at() && list.empty()) draft.record = nullptr;
         return draft;
       }});
}

}  // namespace novacron::host::resource
