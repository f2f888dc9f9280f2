// The engine for code that may block: worker threads and tests, never a callback of the engine.
#pragma once

#include "host/state/engine.h"

namespace novacron::host::state {

/// Each call waits for the engine at most `timeout_ms` and then gives DEADLINE_EXCEEDED "state.deadline", which leaves
/// the outcome open. [any] thread that may block. The engine outlives this.
class Sync {
 public:
  explicit Sync(Engine& engine, uint64_t timeout_ms = 10'000) : engine_(engine), timeout_ms_(timeout_ms) {}

  Result<TxnReply> txn(Txn txn);
  Result<RangeReply> range(RangeRequest request);
  /// Null: there is no such key.
  Result<EntryPtr> get(std::string key);
  /// The revision of the change.
  Result<Revision> put(std::string key, std::string value, uint64_t lease = 0);
  Result<Revision> remove(KeyRange keys);
  Result<Lease> grant_lease(uint64_t ttl_ms);
  Result<Lease> keep_lease(uint64_t lease);
  Status revoke_lease(uint64_t lease);
  Result<uint64_t> open_session();
  Status compact(Revision revision);

 private:
  Engine& engine_;
  const uint64_t timeout_ms_;
};

}  // namespace novacron::host::state
