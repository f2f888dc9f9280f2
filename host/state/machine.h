// The state machine: the keyspace with the leases and sessions around it. Entries of the log go in, in order.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "host/state/command.h"
#include "host/state/keyspace.h"

namespace novacron::host::state {

/// What an applied command came to; which field means something depends on the command.
struct Outcome {
  bool succeeded = true;
  Revision revision = 0;
  uint64_t id = 0;  ///< of the lease or session that came to be
};

/// What a session remembers of its transactions.
struct Session {
  uint64_t used_index = 0;                   ///< of the last entry that named it
  uint64_t forgotten = 0;                    ///< sequences up to here are remembered no more, unless in `replies`
  std::map<uint64_t, Outcome> replies = {};  ///< by sequence
};

struct LeaseState {
  uint64_t ttl_ms = 0;
  std::set<std::string> keys = {};
};

/// Deterministic: the same entries make the same state and the same outcomes, on every node and at every replay. Locked
/// by its owner, as the keyspace.
class Machine final {
 public:
  /// Index 0 is none; indexes ascend by one. An error too is an outcome: the entry had no effect.
  Result<Outcome> apply(Command command, uint64_t index);
  /// An entry that says nothing to it.
  void skip(uint64_t index);

  uint64_t index() const { return index_; }
  Keyspace& keys() { return keys_; }
  const Keyspace& keys() const { return keys_; }
  const std::map<uint64_t, LeaseState>& leases() const { return leases_; }
  /// Counts those that came and went.
  uint64_t lease_changes() const { return lease_changes_; }
  const std::map<uint64_t, Session>& sessions() const { return sessions_; }

  /// Rebuilds what a snapshot holds, beside the keyspace's own.
  void restore_index(uint64_t index) { index_ = index; }
  void restore_lease(uint64_t lease, uint64_t ttl_ms) { leases_[lease].ttl_ms = ttl_ms; }
  void restore_session(uint64_t session, Session state) { sessions_[session] = std::move(state); }
  /// Last: ties the keys to their leases again.
  void restore_lease_keys();

 private:
  Result<Outcome> apply_what(Txn& txn, uint64_t time_ns);
  Result<Outcome> apply_what(const GrantLease& grant);
  Result<Outcome> apply_what(const EndLease& end, uint64_t time_ns);
  Result<Outcome> apply_what(const OpenSession&);
  Result<Outcome> apply_what(const Compact& compact);

  Result<Outcome> execute(Txn& txn, uint64_t time_ns);
  bool holds(const Compare& compare) const;
  Result<std::vector<Mutation>> mutations_of(std::vector<Write>& writes) const;
  Status check_leases(const std::vector<Mutation>& mutations) const;
  void commit(uint64_t time_ns, std::vector<Mutation> mutations);

  uint64_t index_ = 0;
  uint64_t lease_changes_ = 0;
  Keyspace keys_;
  std::map<uint64_t, LeaseState> leases_;
  std::map<uint64_t, Session> sessions_;
};

}  // namespace novacron::host::state
