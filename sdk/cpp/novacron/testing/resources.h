// novacron.core.v1.Resources, State, Claims and Operations in memory, for tests of plugins.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "novacron/core/v1/operation.nc.h"
#include "novacron/core/v1/resource.nc.h"
#include "novacron/core/v1/state.nc.h"
#include "novacron/resource.h"

namespace novacron::testing {

/// Objects with revisions, generations, finalizers, conflicts and a history to watch. [any] thread.
class Resources final : public core::v1::ResourcesService {
 public:
  /// Stores an object as a user would: creates it, or replaces its spec.
  template <ResourceKind K>
  Resource<K> put(const ResourceKey& key, const typename K::Spec& spec,
                  std::map<std::string, std::string> labels = {}) {
    core::v1::Object object{
        .kind = std::string(K::kKind),
        .metadata = core::v1::Metadata{.name = key.name, .tenant = key.tenant, .labels = std::move(labels)},
        .spec = encode(spec)};
    return typed<K>(put_object(std::move(object)));
  }
  /// Writes a status, as another controller would.
  template <ResourceKind K>
  Resource<K> put_status(const ResourceKey& key, const typename StatusOf<K>::Type& status) {
    return typed<K>(set_status(ref<K>(key), encode(status)));
  }
  template <ResourceKind K>
  std::optional<Resource<K>> find(const ResourceKey& key) {
    const auto object = find_object(ref<K>(key));
    if (!object) return std::nullopt;
    return typed<K>(*object);
  }
  /// As a user deletes: with finalizers it only gets deleted_at.
  template <ResourceKind K>
  void erase(const ResourceKey& key) {
    erase_object(ref<K>(key));
  }

  /// Tells every watcher that nothing has happened until now.
  void bookmark();
  /// Forgets the history: a watch from before ends with OUT_OF_RANGE, and so do those under way.
  void compact();
  /// Ends every watch under way with an error.
  void break_watches(Error why);
  /// The next calls of a method ("UpdateStatus") end with an error, before they do anything.
  void fail_next(const std::string& method, Error why, int times = 1);
  uint64_t revision() const;
  /// Watches under way.
  size_t watchers() const;

  Result<core::v1::Object> get(Call& call, const core::v1::GetRequest& request) override;
  Result<core::v1::ListReply> list(Call& call, const core::v1::ListRequest& request) override;
  Status watch(Call& call, const core::v1::WatchRequest& request, Writer<core::v1::WatchEvent>& events) override;
  Result<core::v1::Object> create(Call& call, const core::v1::CreateRequest& request) override;
  Result<core::v1::Object> update_spec(Call& call, const core::v1::UpdateSpecRequest& request) override;
  Result<core::v1::Object> update_status(Call& call, const core::v1::UpdateStatusRequest& request) override;
  Result<core::v1::Object> update_finalizers(Call& call, const core::v1::UpdateFinalizersRequest& request) override;
  Result<Empty> delete_(Call& call, const core::v1::DeleteRequest& request) override;

 private:
  using ObjectKey = std::pair<std::string, ResourceKey>;  // kind, key
  using Lock = std::unique_lock<std::mutex>;

  template <ResourceKind K>
  static core::v1::ObjectRef ref(const ResourceKey& key) {
    return {.kind = std::string(K::kKind), .tenant = key.tenant, .name = key.name};
  }
  // What the test itself has stored is a message of its kind.
  template <ResourceKind K>
  static Resource<K> typed(const core::v1::Object& object) {
    return *resource_of<K>(object);
  }

  core::v1::Object put_object(core::v1::Object object);
  core::v1::Object set_status(const core::v1::ObjectRef& ref, std::string status);
  std::optional<core::v1::Object> find_object(const core::v1::ObjectRef& ref);
  void erase_object(const core::v1::ObjectRef& ref);

  struct Position {
    uint64_t seen;
    uint64_t breaks;
  };

  Result<std::vector<core::v1::WatchEvent>> news(const core::v1::WatchRequest& request, Position& position);
  std::optional<Error> failure_of(const std::string& method);
  Result<core::v1::Object*> found(const std::optional<core::v1::ObjectRef>& ref);
  core::v1::Object& created(core::v1::Object object);
  void changed(core::v1::Object& object);
  void begin_deletion(core::v1::Object& object);
  void drop(const ObjectKey& key);
  void record(core::v1::WatchEvent::Type type, const core::v1::Object& object);

  mutable std::mutex mutex_;
  std::condition_variable moved_;
  uint64_t revision_ = 0;
  uint64_t compacted_ = 0;
  uint64_t bookmark_ = 0;
  uint64_t breaks_ = 0;
  Error break_why_;
  size_t watchers_ = 0;
  std::map<ObjectKey, core::v1::Object> objects_;
  std::vector<core::v1::WatchEvent> history_;
  std::map<std::string, std::pair<Error, int>> failures_;
};

/// Keys with revisions and transactions. [any] thread. Watches and leases are not offered.
class State final : public core::v1::StateService {
 public:
  Result<core::v1::RangeReply> range(Call& call, const core::v1::RangeRequest& request) override;
  Result<core::v1::TxnReply> txn(Call& call, const core::v1::TxnRequest& request) override;

  void put(const std::string& key, const std::string& value);
  std::optional<std::string> get(const std::string& key) const;

 private:
  bool holds(const core::v1::Compare& compare) const;
  void apply(const core::v1::Write& write);
  void store(const core::v1::Write::Put& put);

  mutable std::mutex mutex_;
  uint64_t revision_ = 0;
  std::map<std::string, core::v1::KeyValue> entries_;
};

/// Claims, taken by one node. [any] thread.
class Claims final : public core::v1::ClaimsService {
 public:
  explicit Claims(std::string node = "node1") : node_(std::move(node)) {}

  Result<core::v1::Claim> acquire(Call& call, const core::v1::AcquireClaimRequest& request) override;
  Result<core::v1::ReleaseClaimReply> release(Call& call, const core::v1::ReleaseClaimRequest& request) override;
  Result<core::v1::Claim> get(Call& call, const core::v1::GetClaimRequest& request) override;

  /// As if another node held it.
  void hold(const std::string& uid, const std::string& node);

 private:
  const std::string node_;
  mutable std::mutex mutex_;
  uint64_t last_fence_ = 0;
  std::map<std::string, core::v1::Claim> claims_;
};

/// One operation, that of every call: what its callee reports, and what it starts. [any] thread.
class Operations final : public core::v1::OperationsService {
 public:
  /// What the last run of the operation has saved.
  void resume_from(const std::string& checkpoint);
  /// From now on the callee is told to stop.
  void ask_to_stop();
  /// How children end that are started for this verb; without it they succeed with an empty reply.
  void end_children(const std::string& verb, core::v1::EndedOperation ended);

  std::vector<core::v1::OperationReport> reports() const;
  std::string checkpoint() const;
  /// Each key once.
  std::vector<core::v1::StartOperationRequest> children() const;

  Result<core::v1::CurrentOperation> current(Call& call, const Empty& request) override;
  Result<core::v1::OperationReportReply> report(Call& call, const core::v1::OperationReport& report) override;
  Result<core::v1::StartOperationReply> start(Call& call, const core::v1::StartOperationRequest& request) override;
  Result<core::v1::EndedOperation> wait(Call& call, const core::v1::WaitOperationRequest& request) override;

 private:
  static core::v1::ObjectRef ref(const std::string& name);

  mutable std::mutex mutex_;
  std::string checkpoint_;
  bool cancel_ = false;
  uint32_t attempt_ = 1;
  std::vector<core::v1::OperationReport> reports_;
  std::vector<core::v1::StartOperationRequest> children_;
  std::map<std::string, core::v1::EndedOperation> endings_;
};

}  // namespace novacron::testing
