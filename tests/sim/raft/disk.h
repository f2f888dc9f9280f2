// A simulated disk: what was synced stays; of the rest a crash keeps as much as it likes, in order.
#pragma once

#include <deque>
#include <optional>

#include "host/raft/core.h"
#include "tests/sim/raft/random.h"

namespace novacron::sim {

/// What one Ready wants written, and what may be sent then.
struct DiskWrite {
  std::optional<host::raft::HardState> hard_state;
  std::shared_ptr<const host::raft::Snapshot> snapshot;
  host::raft::Entries entries;
  std::vector<host::raft::Message> then_send;
};

class Disk final {
 public:
  explicit Disk(host::raft::Membership first) { durable_.snapshot.membership = std::move(first); }

  void write(DiskWrite write) { pending_.push_back(std::move(write)); }
  bool idle() const { return pending_.empty(); }
  size_t pending() const { return pending_.size(); }
  /// The oldest `count` writes are on the disk; what may be sent now.
  std::vector<host::raft::Message> synced(size_t count);
  /// The log has the entry, synced, and not in a snapshot.
  bool has(host::raft::Index index, host::raft::Term term) const;
  /// A snapshot of an entry that it has, that was written beside the log; what it holds is dropped from there.
  void keep_snapshot(host::raft::Snapshot snapshot);
  /// Of what was not synced some is kept: whole writes, and the beginning of one more.
  void crash(Random& random);

  const host::raft::Core::Stored& durable() const { return durable_; }

 private:
  void make_durable(DiskWrite& write);

  host::raft::Core::Stored durable_;
  std::deque<DiskWrite> pending_;
};

}  // namespace novacron::sim
