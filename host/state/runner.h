// Drives the Raft core: what is proposed, said by other nodes and due by the clock goes in; what comes out is written,
// sent, applied and answered. One thread does it, a batch at a time: while it waits for the disk, the next batch
// gathers.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "host/base/clock.h"
#include "host/raft/core.h"
#include "host/raft/peers.h"
#include "host/state/log.h"
#include "host/state/shared_machine.h"
#include "host/state/snapshot_transfer.h"

namespace novacron::host::state {

/// [any] thread.
class Runner final {
 public:
  using Done = std::function<void(Result<Outcome>)>;
  enum class Origin : uint8_t { kClient, kEngine };  ///< what the engine itself needs goes on while the disk is full

  struct Parts {
    std::unique_ptr<Log> log;
    raft::Core core;  ///< the machine is where it believes that it is
    SharedMachine& shared;
    const Clock& clock;
    FileSystem& files;
    std::string folder;
    raft::Peers* peers = nullptr;  ///< null: there is nobody else
    uint64_t tick_ms = 50;         ///< the core's
    uint32_t patience_ticks = 80;  ///< for a leader, and for the answer of one
  };
  /// All on the runner's thread.
  struct Hooks {
    std::function<void()> applied;                 ///< before the callbacks of the batch
    std::function<void(const Error&)> fatal = {};  ///< at most once
    std::function<void(bool leads)> role_changed = {};
    std::function<void()> snapshot_wanted = {};  ///< again and again, until snapshot_taken()
    /// The machine is to be replaced by this one.
    std::function<void(std::unique_ptr<Machine> machine, const SnapshotHead& head)> install = {};
    std::function<Result<Lease>(uint64_t lease)> keep_lease = {};  ///< for another node; this one leads
  };

  /// Whoever is alone leads when this returns; without space on the disk that comes later.
  static Result<std::unique_ptr<Runner>> start(Parts parts, Hooks hooks);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// Here, or by the leader: the answer comes when this node has applied it. UNAVAILABLE "state.no-leader": it was not
  /// proposed; "state.outcome-unknown".
  void propose(decltype(Command::what) what, Origin origin, Done done);
  /// Once the machine has all that was acknowledged before this call, by whomever. UNAVAILABLE "state.no-leader".
  void read(Callback<void> done);
  /// By the leader's clock.
  void keep_lease(uint64_t lease, Callback<Lease> done);
  /// What another node says.
  void receive(raft::NodeId from, std::string_view frame);
  /// One was written, and is for nodes that lack what the log no longer has.
  void snapshot_taken(std::shared_ptr<const raft::Snapshot> snapshot);
  /// The log is not needed up to here any more.
  void drop_through(uint64_t index);
  /// Marks the log when it is idle, and looks for space when there was none.
  void tick();
  /// Completes what is queued, and hands over if this node leads others; what comes later is refused.
  void stop();

  /// This node decides alone: whatever was acknowledged is applied here.
  bool is_alone() const { return is_alone_; }
  bool leads() const { return leads_; }
  raft::NodeId leader() const { return leader_; }
  /// Empty, or why changes are refused.
  std::string alarm() const;
  uint64_t logged_bytes() const { return logged_bytes_; }

 private:
  struct Proposal {
    Command command;
    Done done;
    std::string encoded = {};
    uint64_t deadline_tick = 0;  ///< of one that waits for a leader
  };
  struct Waiting {  ///< for its entry to be committed
    raft::Index index;
    raft::Term term;
    Command command;
    Done done;
  };
  struct Read {
    std::vector<Callback<void>> done;
    uint64_t deadline_tick = 0;
    raft::Index index = 0;    ///< 0: not known yet
    bool is_refused = false;  ///< ask again
  };
  struct Keep {
    uint64_t lease;
    Callback<Lease> done;
    uint64_t deadline_tick = 0;
  };
  struct Answer {
    Done done;
    Result<Outcome> outcome;
  };
  struct Work {
    std::vector<Proposal> proposals;
    std::vector<std::pair<raft::NodeId, PeerFrame>> frames;
    std::vector<Callback<void>> reads;
    std::vector<Keep> keeps;
    std::shared_ptr<const raft::Snapshot> snapshot;
    uint64_t drop_through = 0;
    bool is_tick = false;
    bool mark = false;
    bool make_spare = false;

    bool empty() const;
    void clear();
  };

  Runner(Parts parts, Hooks hooks);
  Status admit(Origin origin, size_t bytes) const;
  Status admit_more(size_t waiting) const;
  void thread_main();
  bool take(Work& work);
  void take_queued(Work& work);

  // runner_step.cpp
  Status elect_alone();
  void run(Work& work);
  void step(Work& work);
  void commit(std::vector<Proposal>& proposals);
  size_t propose_batch(std::vector<Proposal>& proposals, size_t from);
  void hand_in(Proposal& proposal);
  Status settle();
  Status carry_out(raft::Ready ready);
  Status write(const raft::Ready& ready);
  Status install(const raft::Snapshot& snapshot);
  Status apply(const raft::Entries& entries);
  Status apply_one(const raft::Entry& entry, std::vector<Answer>& answers);
  Status apply_foreign(const raft::Entry& entry, std::vector<Answer>& answers);
  void forget_applied();
  void note_role();
  Status make_room(size_t bytes);
  void do_chores(const Work& work);
  void raise_alarm(const std::string& why);
  void clear_alarm();
  void fail(const Error& cause);

  // runner_peers.cpp
  void send(std::vector<raft::Message> messages);
  void say(raft::NodeId to, raft::Lane lane, const PeerFrame& frame);
  void hear(Work& work);
  void on(raft::NodeId from, raft::Message& message);
  void on(raft::NodeId from, Forward& forward);
  void on(raft::NodeId from, Refused& refused);
  void on(raft::NodeId from, KeepLease& keep);
  void on(raft::NodeId from, LeaseKept& kept);
  void on(raft::NodeId from, SnapshotOffer& offer);
  void on(raft::NodeId from, SnapshotWanted& wanted);
  void on(raft::NodeId from, SnapshotChunk& chunk);
  void offer_snapshot(const raft::Message& message);
  void receive_whole(raft::NodeId from);
  void receive_snapshot(raft::NodeId from, const SnapshotOffer& offer);
  bool has_other_leader() const;
  void forward(Proposal proposal);
  void dispatch(std::vector<Proposal>& proposals);
  void ask(Keep keep);
  void ask_reads(std::vector<Callback<void>> reads);
  void note_read(const raft::ReadReady& ready);
  void serve_reads();
  void expire();
  void hand_over();
  void refuse_rest(const Error& why);

  const std::unique_ptr<Log> log_;  ///< the thread's own, as are the core and all that follows up to the counters
  raft::Core core_;
  SharedMachine& shared_;
  const Clock& clock_;
  FileSystem& files_;
  const std::string folder_;
  raft::Peers* const peers_;
  const std::chrono::milliseconds tick_;
  const uint32_t patience_ticks_;
  const Hooks hooks_;

  std::deque<Waiting> waiting_;  ///< by index, ascending
  std::deque<Proposal> held_;    ///< until there is a leader
  std::map<uint64_t, Proposal> forwarded_;
  std::map<uint64_t, Read> reads_;
  std::map<uint64_t, Keep> keeps_;
  uint64_t next_token_;
  uint64_t ticks_ = 0;
  std::chrono::steady_clock::time_point next_tick_{};
  size_t kept_bytes_ = 0;  ///< of applied entries that are in memory
  std::map<raft::NodeId, std::shared_ptr<const raft::Snapshot>> offered_;
  SnapshotInbox inbox_;
  std::optional<SnapshotInbox::Loaded> loaded_;

  std::atomic<uint64_t> logged_bytes_{0};
  std::atomic<bool> is_alone_{false};
  std::atomic<bool> is_single_{false};  ///< and nobody learns from it either
  std::atomic<bool> leads_{false};
  std::atomic<raft::NodeId> leader_{0};

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Work work_;
  size_t queued_bytes_ = 0;
  size_t heard_bytes_ = 0;  ///< in frames that are queued
  uint64_t batches_ = 0;    ///< written
  uint64_t batches_at_tick_ = 0;
  uint64_t batches_at_mark_ = 0;
  std::string alarm_;
  std::optional<Error> failure_;  ///< set by the thread alone
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace novacron::host::state
