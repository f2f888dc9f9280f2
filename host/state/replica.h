// The engine whose state is here, and the same on all nodes of a cluster: a log that they agree on, and the state
// machine behind it. A node alone is a cluster of one.
//
// Threads: "nc-raft" takes what was proposed, writes and syncs it as one batch, applies it in order and calls back, and
// talks with the other nodes; "nc-watch" serves watchers; "nc-tick" ends leases and compacts; a snapshot has a thread
// of its own while it is written. Reads of a node alone run on the caller's thread, others on "nc-raft" once the leader
// has said how far to wait. The order of locks: the watchers' before the machine's.
//
// Any node may be asked for anything: changes, and leases to be kept, go to the leader, which alone ends leases and
// compacts.
#pragma once

#include <memory>
#include <string>

#include "host/base/clock.h"
#include "host/raft/peers.h"
#include "host/state/engine.h"
#include "host/state/file.h"

namespace novacron::host::state {

constexpr size_t kMaxProposals = 8'192;                   ///< that wait for the log; then UNAVAILABLE "state.busy"
constexpr size_t kMaxProposedBytes = 16 * 1'024 * 1'024;  ///< likewise
constexpr uint64_t kBusyRetryNs = 50'000'000;
constexpr uint64_t kDiskFullRetryNs = 1'000'000'000;

class Replica final : public Engine {
 public:
  struct Options {
    std::string folder;
    uint64_t segment_bytes = 64ull << 20;         ///< of the log; at open two are allocated, one of them as a reserve
    uint64_t snapshot_after_bytes = 64ull << 20;  ///< of log
    uint64_t retain_revisions = 100'000;          ///< history beyond any of the three is compacted
    uint64_t retain_ms = 3'600'000;
    uint64_t retain_bytes = 64ull << 20;
    uint64_t max_bytes = 1ull << 30;  ///< keys and values with history; then puts get RESOURCE_EXHAUSTED "state.full"
    uint64_t tick_ms = 100;           ///< 0: nobody ticks but who calls tick()
    uint64_t progress_ms = 5'000;     ///< between on_progress of idle watchers
    raft::NodeId node = 1;
    /// With whom a new cluster begins, this node among them; a folder that is there must have the same. Empty: this
    /// node alone.
    raft::Membership first_members = {};
    raft::Peers* peers = nullptr;  ///< the way to the others, which outlives the engine; null: there are none
    uint64_t heartbeat_ms = 100;
    uint64_t election_ms = 1'000;  ///< without a leader, at least; at most twice that
    /// The log can be written no more (a sync failed): nobody knows what is on the disk. Called once, on an engine
    /// thread; the process should end. Until then changes get UNAVAILABLE "state.failed".
    std::function<void(const Error&)> on_fatal = {};
  };

  /// Recovers what is in the folder, or makes it. `files` and `clock` outlive the engine. UNAVAILABLE "state.locked":
  /// another process uses the folder; DATA_LOSS "state.log-damaged", "state.snapshot-damaged", "state.format";
  /// FAILED_PRECONDITION "state.format": another version wrote it.
  static Result<std::unique_ptr<Replica>> open(FileSystem& files, const Clock& clock, Options options);
  /// Completes what was proposed, then ends the watchers. Not from a callback.
  ~Replica() override;

  void txn(Txn txn, Callback<TxnReply> done) override;
  void range(RangeRequest request, Callback<RangeReply> done) override;
  WatchId watch(WatchRequest request, WatchCallbacks callbacks) override;
  void unwatch(WatchId watch) override;
  void grant_lease(uint64_t ttl_ms, Callback<Lease> done) override;
  void keep_lease(uint64_t lease, Callback<Lease> done) override;
  void revoke_lease(uint64_t lease, Callback<void> done) override;
  void open_session(Callback<uint64_t> done) override;
  void compact(Revision revision, Callback<void> done) override;
  Revision revision() const override;
  EngineStatus status() const override;

  /// What is due by the clock: leases, retention, the recovery from a full disk. [any] thread, one at a time.
  void tick();
  /// Writes one now and shortens the log. Blocks; one at a time, a second waits.
  Status snapshot();

 private:
  class State;
  explicit Replica(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace novacron::host::state
