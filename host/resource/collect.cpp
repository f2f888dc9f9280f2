#include <host/resource/record.pb.h>
#include <novacron/core/v1/host.pb.h>

#include <algorithm>
#include <set>

#include "host/auth/roles.h"
#include "host/base/log.h"
#include "host/resource/keys.h"
#include "host/resource/store_impl.h"
#include "host/resource/task_log.h"

namespace novacron::host::resource {

namespace {
constexpr uint32_t kBatch = 100;
constexpr uint64_t kSecondNs = 1'000'000'000;

class DependentCollector {
 public:
  DependentCollector(Store& store, Objects& objects)
      : store_(store), objects_(objects), context_(auth::host_context("")) {}

  Status run() {
    for (const auto& uid : TRY(objects_.names(std::string(kGcPrefix), kBatch))) TRY_STATUS(collect(uid));
    return {};
  }

 private:
  Status collect(const std::string& uid) {
    for (const auto& dependent : TRY(objects_.names(owned_prefix(uid), kBatch))) {
      const bool goes = TRY(has_no_owner(dependent));
      TRY_STATUS(settle(owned_key(uid, dependent), dependent, goes));
    }
    for (const auto& referrer : TRY(objects_.names(refs_prefix(uid), kBatch))) {
      const auto entry = TRY(objects_.sync().get(refs_key(uid, referrer)));
      StoredReferrer record;
      const bool cascades = entry && record.ParseFromString(entry->value) &&
                            record.on_delete() == static_cast<uint32_t>(contract::OnDelete::kCascade);
      TRY_STATUS(settle(refs_key(uid, referrer), referrer, cascades));
    }
    const bool owns = TRY(objects_.any_with_prefix(owned_prefix(uid)));
    const bool is_referred_to = TRY(objects_.any_with_prefix(refs_prefix(uid)));
    if (!owns && !is_referred_to) TRY(objects_.sync().remove(state::KeyRange::one(gc_key(uid))));
    return {};
  }

  Result<bool> has_no_owner(const std::string& uid) {
    const auto ref = objects_.find_uid(uid);
    if (!ref.ok()) return true;
    const auto object = TRY(objects_.read(*ref));
    if (!object) return true;
    for (const auto& owner : object->metadata().owners()) {
      if (objects_.find_uid(owner.uid()).ok()) return false;
    }
    return true;
  }

  /// Deletes the object of `uid` if it goes, and then forgets the key that led to it.
  Status settle(const std::string& key, const std::string& uid, bool goes) {
    const auto ref = objects_.find_uid(uid);
    if (ref.ok() && goes) {
      const auto removed = store_.remove(context_, *ref);
      if (!removed.ok() && removed.code() != Code::kNotFound) {
        log_warn("resource", "dependent cannot be deleted yet",
                 {{"object", describe(*ref)}, {"error", removed.error().message}});
        return {};
      }
    }
    TRY(objects_.sync().remove(state::KeyRange::one(key)));
    return {};
  }

  Store& store_;
  Objects& objects_;
  auth::ContextPtr context_;
};

std::string digest_of_blobref(const std::string& key) {
  const size_t end = key.rfind('/');
  return key.substr(kBlobrefPrefix.size(), end - kBlobrefPrefix.size());
}

Status expire_requests(Objects& objects, uint64_t now_ns) {
  state::RangeRequest request;
  request.keys = state::KeyRange::prefix(kIdempotencyPrefix);
  while (true) {
    const auto reply = TRY(objects.sync().range(request));
    for (const auto& entry : reply.entries) {
      StoredRequest record;
      if (record.ParseFromString(entry->value) && record.expires_ns() > now_ns) continue;
      state::Txn txn;
      txn.compares.push_back(state::Compare::unchanged(entry->key, entry->mod_revision));
      txn.writes.emplace_back(state::Remove{state::KeyRange::one(entry->key)});
      TRY(objects.sync().txn(std::move(txn)));
    }
    if (!reply.more) return {};
    request.keys.begin = reply.entries.back()->key + '\0';
  }
}

/// An ended operation, and what keeps it.
struct EndedOperation {
  ObjectRef ref;
  uint64_t ended_ns = 0;
  std::string parent;  ///< name; empty: none
};

/// The ended ones, the oldest first, and the names of those that have not ended.
Result<std::vector<EndedOperation>> ended_operations(Objects& objects, std::set<std::string>& running) {
  std::vector<EndedOperation> ended;
  for (const auto& object : TRY(objects.all(kind_prefix(kOperationKind)))) {
    core::v1::OperationSpec spec;
    core::v1::OperationStatus status;
    const bool readable = spec.ParseFromString(object.record->spec()) && status.ParseFromString(object.status);
    if (!readable || !status.has_ended_at()) {
      running.insert(object.ref.name);
      continue;
    }
    const auto& at = status.ended_at();
    const uint64_t ended_ns = static_cast<uint64_t>(at.seconds()) * kSecondNs + static_cast<uint64_t>(at.nanos());
    ended.push_back({object.ref, ended_ns, spec.parent().name()});
  }
  std::sort(ended.begin(), ended.end(), [](const auto& a, const auto& b) { return a.ended_ns < b.ended_ns; });
  return ended;
}

/// By age and by count. A child stays while its parent runs, which may ask for it again after a crash.
Status expire_operations(Store& store, Objects& objects, const Retention& retention, uint64_t now_ns) {
  const auto context = auth::host_context("");
  std::set<std::string> running;
  const auto ended = TRY(ended_operations(objects, running));
  size_t left = ended.size();
  for (const auto& operation : ended) {
    const bool is_old = operation.ended_ns + retention.operations_ns <= now_ns;
    if (!is_old && left <= retention.operations_count) break;
    if (!operation.parent.empty() && running.contains(operation.parent)) continue;
    const auto removed = store.remove(context, operation.ref);
    if (!removed.ok() && removed.code() != Code::kNotFound) return removed.error();
    --left;
  }
  return {};
}
}  // namespace

Status Store::collect_dependents() {
  return DependentCollector(*this, impl_->objects).run();
}

Result<std::unordered_set<std::string>> Store::live_blobs() {
  std::unordered_set<std::string> live;
  state::RangeRequest request;
  request.keys = state::KeyRange::prefix(std::string(kBlobrefPrefix));
  for (bool more = true; more;) {
    const auto reply = TRY(impl_->objects.sync().range(request));
    for (const auto& entry : reply.entries) live.insert(digest_of_blobref(entry->key));
    more = reply.more;
    if (more) request.keys.begin = reply.entries.back()->key + '\0';
  }
  for (const auto& object : TRY(impl_->objects.all(kind_prefix(kBlobKind)))) {
    core::v1::BlobSpec spec;
    if (!spec.ParseFromString(object.record->spec())) {
      return Error{Code::kDataLoss, describe(object.ref) + " cannot be read", "resource.corrupt"};
    }
    live.insert(spec.digest());
  }
  return live;
}

Status Store::expire() {
  const uint64_t now_ns = impl_->options.clock.real_ns();
  TRY_STATUS(expire_requests(impl_->objects, now_ns));
  const auto& retention = impl_->options.retention;
  Objects& objects = impl_->objects;
  TRY_STATUS(expire_records(objects, kAuditPrefix, retention.audit_ns, retention.audit_count, now_ns));
  TRY_STATUS(expire_records(objects, kLogPrefix, retention.tasks_ns, retention.tasks_count, now_ns));
  return expire_operations(*this, objects, retention, now_ns);
}

}  // namespace novacron::host::resource
