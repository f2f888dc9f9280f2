#include "host/resource/plan.h"

#include <host/resource/record.pb.h>
#include <novacron/core/v1/host.pb.h>

#include <algorithm>

#include "host/contract/validate.h"
#include "host/contract/violations.h"
#include "host/resource/keys.h"

namespace novacron::host::resource {

namespace {
bool deletion_begins(const StoredObject& current, const Draft& draft) {
  return !current.metadata().has_deleted_at() && (!draft.record || draft.record->metadata().has_deleted_at());
}

std::string ref_bytes(const ObjectRef& ref, const std::string& uid) {
  core::v1::ObjectRef out;
  out.set_kind(ref.kind);
  out.set_tenant(ref.tenant);
  out.set_name(ref.name);
  out.set_uid(uid);
  return message_bytes(out);
}

Error field_error(const std::string& path, const std::string& message) {
  contract::Violations violations;
  violations.add(path, message);
  return violations.status().error();
}

/// For several references to one target the strictest counts.
std::map<std::string, uint32_t> strictest(const StoredSpec& record) {
  std::map<std::string, uint32_t> by_uid;
  const auto rank = [](uint32_t on_delete) {
    switch (static_cast<contract::OnDelete>(on_delete)) {
      case contract::OnDelete::kRestrict:
        return 2;
      case contract::OnDelete::kCascade:
        return 1;
      case contract::OnDelete::kOrphan:
        return 0;
    }
    return 2;
  };
  for (const auto& reference : record.references()) {
    const auto [slot, inserted] = by_uid.emplace(reference.uid(), reference.on_delete());
    if (!inserted && rank(reference.on_delete()) > rank(slot->second)) slot->second = reference.on_delete();
  }
  return by_uid;
}
}  // namespace

Status Writer::plan(const WriteRequest& request, const StoredObject* current, Draft& draft, Plan& plan) {
  if (!current) {
    TRY_STATUS(plan_creation(request, draft, plan));
  } else if (deletion_begins(*current, draft)) {
    TRY_STATUS(plan_deletion(*current, plan));
  }
  if (!draft.record) return plan_removal(*current, plan);
  TRY_STATUS(plan_spec(request, current, *draft.record, plan));
  return plan_status(request, current, draft, plan);
}

Status Writer::plan_creation(const WriteRequest& request, const Draft& draft, Plan& plan) {
  const auto& ref = request.ref;
  plan.creates = true;
  plan.expect(state::Compare::absent(spec_key(ref)));
  plan.put(uid_key(draft.record->metadata().uid()), ref_bytes(ref, draft.record->metadata().uid()));
  if (!ref.tenant.empty()) {
    const auto tenant = TRY(parts_.objects.read({std::string(kTenantKind), "", ref.tenant}));
    if (!tenant || tenant->metadata().has_deleted_at()) {
      return Error{Code::kNotFound, "there is no tenant " + ref.tenant, "resource.unknown-tenant"};
    }
    plan.depend_on(*tenant);
  }
  const std::string contract_uid = parts_.contracts.uid_of(parts_.contracts.schema()->find_kind(ref.kind)->package);
  if (!contract_uid.empty()) {
    plan.expect(state::Compare::exists(uid_key(contract_uid)));
    plan.put(mark_key(contract_uid), "");
  }
  return {};
}

/// The mark is read before what it guards: who adds something in between changes it, and the transaction fails.
Status Writer::plan_deletion(const StoredObject& current, Plan& plan) {
  const auto mark = TRY(parts_.objects.sync().get(mark_key(current.ref.uid)));
  plan.expect(state::Compare::unchanged(mark_key(current.ref.uid), mark ? mark->mod_revision : 0));
  TRY_STATUS(check_referrers(current));
  if (current.ref.kind == kTenantKind) return check_tenant_empty(current);
  if (current.ref.kind == kContractKind) return parts_.contracts.check_removable(current);
  if (current.ref.kind == kBlobKind) return check_blob_unused(current);
  return {};
}

Status Writer::plan_removal(const StoredObject& current, Plan& plan) {
  const std::string& uid = current.ref.uid;
  const auto mark = TRY(parts_.objects.sync().get(mark_key(uid)));
  plan.expect(state::Compare::unchanged(mark_key(uid), mark ? mark->mod_revision : 0));
  const bool owns = TRY(parts_.objects.any_with_prefix(owned_prefix(uid)));
  const bool is_referred_to = TRY(parts_.objects.any_with_prefix(refs_prefix(uid)));
  if (owns || is_referred_to) plan.put(gc_key(uid), "");
  plan.removes = true;
  plan.remove(spec_key(current.ref));
  plan.remove(status_key(current.ref));
  plan.remove(uid_key(uid));
  if (mark) plan.remove(mark_key(uid));
  for (const auto& owner : current.metadata().owners()) plan.remove(owned_key(owner.uid(), uid));
  for (const auto& [target, on_delete] : strictest(*current.record)) plan.remove(refs_key(target, uid));
  return plan_blobs(current.ref, &current, nullptr, plan);
}

Status Writer::plan_spec(const WriteRequest& request, const StoredObject* current, StoredSpec& record, Plan& plan) {
  if (!current || record.spec() != current->record->spec()) {
    TRY_STATUS(plan_references(request, current, record, plan));
    TRY_STATUS(plan_blobs(request.ref, current, &record, plan));
  }
  TRY_STATUS(plan_owners(current, record, plan));
  const std::string bytes = message_bytes(record);
  if (current && bytes == message_bytes(*current->record)) return {};
  plan.changes_spec = true;
  plan.put(spec_key(request.ref), bytes);
  return {};
}

Status Writer::plan_status(const WriteRequest& request, const StoredObject* current, const Draft& draft, Plan& plan) {
  if (!draft.status) return {};
  if (current && current->status_revision != 0 && *draft.status == current->status) return {};
  plan.changes_status = true;
  plan.put(status_key(request.ref), *draft.status);
  return {};
}

/// An object that is to be referred to: there, not about to go, and the writer may use it.
Result<StoredObject> Writer::target_of(const WriteRequest& request, const ObjectRef& target, const std::string& path) {
  if (!parts_.contracts.schema()->find_kind(target.kind)) {
    return field_error(path, "no installed contract has the kind " + target.kind);
  }
  TRY_STATUS(parts_.authorizer.authorize(*request.context, {"use", target.kind, target.tenant, target.name}));
  auto object = TRY(parts_.objects.read(target));
  if (!object) return field_error(path, "there is no " + describe(target));
  if (object->metadata().has_deleted_at()) return field_error(path, describe(target) + " is being deleted");
  return std::move(*object);
}

/// A reference that was there before keeps its uid, so that an orphaned one does not stop every later change.
Result<std::string> Writer::uid_of_target(const WriteRequest& request, const StoredObject* current,
                                          const ObjectRef& target, const std::string& path, Plan& plan) {
  if (current) {
    for (const auto& known : current->record->references()) {
      if (known.kind() == target.kind && known.tenant() == target.tenant && known.name() == target.name) {
        return known.uid();
      }
    }
  }
  const auto object = TRY(target_of(request, target, path));
  plan.depend_on(object);
  return object.ref.uid;
}

Status Writer::plan_references(const WriteRequest& request, const StoredObject* current, StoredSpec& record,
                               Plan& plan) {
  const auto schema = parts_.contracts.schema();
  const auto& type = *schema->find_kind(request.ref.kind)->spec;
  record.clear_references();
  for (const auto& found : TRY(contract::references_of(type, record.spec(), "spec"))) {
    const bool shared = found.reference.scope == contract::Scope::kHost;
    const ObjectRef target{found.reference.kind, shared ? "" : request.ref.tenant, found.name};
    const std::string uid = TRY(uid_of_target(request, current, target, found.path, plan));
    auto& reference = *record.add_references();
    reference.set_kind(target.kind);
    reference.set_tenant(target.tenant);
    reference.set_name(target.name);
    reference.set_uid(uid);
    reference.set_on_delete(static_cast<uint32_t>(found.reference.on_delete));
  }
  const std::string& own_uid = record.metadata().uid();
  const auto now = strictest(record);
  for (const auto& [target, on_delete] : current ? strictest(*current->record) : now) {
    if (!now.contains(target)) plan.remove(refs_key(target, own_uid));
  }
  for (const auto& [target, on_delete] : now) {
    StoredReferrer referrer;
    referrer.set_on_delete(on_delete);
    plan.put(refs_key(target, own_uid), message_bytes(referrer));
  }
  return {};
}

Status Writer::plan_owners(const StoredObject* current, const StoredSpec& record, Plan& plan) {
  const auto& owners = record.metadata().owners();
  const auto has = [](const auto& list, const std::string& uid) {
    return std::any_of(list.begin(), list.end(), [&uid](const auto& owner) { return owner.uid() == uid; });
  };
  const auto& before =
      current ? current->metadata().owners() : google::protobuf::RepeatedPtrField<core::v1::OwnerRef>();
  for (const auto& owner : before) {
    if (!has(owners, owner.uid())) plan.remove(owned_key(owner.uid(), record.metadata().uid()));
  }
  for (int i = 0; i < owners.size(); ++i) {
    if (has(before, owners[i].uid())) continue;
    const std::string path = contract::index_path("metadata.owners", static_cast<size_t>(i));
    const auto ref = parts_.objects.find_uid(owners[i].uid());
    if (!ref.ok() || ref->kind != owners[i].kind() || ref->name != owners[i].name()) {
      return field_error(path, "there is no such object");
    }
    const auto owner = TRY(parts_.objects.read(*ref));
    if (!owner || owner->ref.uid != ref->uid) return field_error(path, "there is no such object");
    plan.depend_on(*owner);
    plan.put(owned_key(ref->uid, record.metadata().uid()), "");
  }
  return {};
}

Status Writer::plan_blobs(const ObjectRef& ref, const StoredObject* current, const StoredSpec* record, Plan& plan) {
  const auto schema = parts_.contracts.schema();
  const auto& type = *schema->find_kind(ref.kind)->spec;
  std::vector<std::string> before;
  std::vector<std::string> now;
  if (current) before = TRY(contract::blobs_of(type, current->record->spec()));
  if (record) now = TRY(contract::blobs_of(type, record->spec()));
  const std::string& uid = record ? record->metadata().uid() : current->ref.uid;
  for (const auto& digest : before) {
    if (!std::binary_search(now.begin(), now.end(), digest)) plan.remove(blobref_key(digest, uid));
  }
  for (const auto& digest : now) {
    plan.put(blobref_key(digest, uid), "");
    if (std::binary_search(before.begin(), before.end(), digest)) continue;
    const auto blob = TRY(parts_.objects.read({std::string(kBlobKind), "", blob_name(digest)}));
    if (blob) plan.depend_on(*blob);  // it may not go in between
  }
  return {};
}

/// While an object has its digest, a blob stays.
Status Writer::check_blob_unused(const StoredObject& blob) {
  core::v1::BlobSpec spec;
  if (!spec.ParseFromString(blob.record->spec())) {
    return Error{Code::kDataLoss, describe(blob.ref) + " cannot be read", "resource.corrupt"};
  }
  const auto users = TRY(parts_.objects.names(blobref_prefix(spec.digest()), 1));
  if (users.empty()) return {};
  const auto by = parts_.objects.find_uid(users.front());
  return Error{Code::kFailedPrecondition,
               describe(blob.ref) + " is in use by " + (by.ok() ? describe(*by) : users.front()) +
                   "; delete or change that first",
               "resource.referenced"};
}

Status Writer::check_referrers(const StoredObject& target) {
  state::RangeRequest request;
  request.keys = state::KeyRange::prefix(refs_prefix(target.ref.uid));
  request.limit = state::kMaxRangeEntries;
  const auto reply = TRY(parts_.objects.sync().range(std::move(request)));
  for (const auto& entry : reply.entries) {
    StoredReferrer referrer;
    const bool readable = referrer.ParseFromString(entry->value);
    const auto on_delete = static_cast<contract::OnDelete>(referrer.on_delete());
    const std::string uid = entry->key.substr(refs_prefix(target.ref.uid).size());
    if ((readable && on_delete != contract::OnDelete::kRestrict) || uid == target.ref.uid) continue;
    const auto by = parts_.objects.find_uid(uid);
    return Error{
        Code::kFailedPrecondition,
        describe(target.ref) + " is in use by " + (by.ok() ? describe(*by) : uid) + "; delete or change that first",
        "resource.referenced"};
  }
  if (!reply.more) return {};
  return Error{Code::kFailedPrecondition, describe(target.ref) + " is in use by very many others",
               "resource.referenced"};
}

Status Writer::check_tenant_empty(const StoredObject& tenant) {
  const auto refuse = [](std::string message) {
    return Error{Code::kFailedPrecondition, std::move(message), "resource.tenant-not-empty"};
  };
  if (tenant.ref.name == kDefaultTenant) return refuse("the tenant \"default\" is always there");
  for (const auto& kind : parts_.contracts.schema()->kinds()) {
    if (kind.scope != contract::Scope::kTenant || kind.id == kOperationKind) continue;  // operations end by themselves
    if (TRY(parts_.objects.any_with_prefix(tenant_prefix(kind.id, tenant.ref.name)))) {
      return refuse("the tenant " + tenant.ref.name + " still has " + kind.plural + "; delete them first");
    }
  }
  return {};
}

}  // namespace novacron::host::resource
