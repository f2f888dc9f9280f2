// The Raft algorithm of one node, and nothing else: no clock, no disk, no network, no thread. Whoever drives it feeds
// ticks and messages in, and carries out what take_ready() gives:
//
//   core.tick();  core.receive(message);  core.propose("…");            in any order, on one thread
//   Ready ready = core.take_ready();
//   send ready.messages;                                                at once: the leader's disk and its peers' write
//   make ready.snapshot, .hard_state and .entries durable;              side by side; one batch, in the order of
//   Readies send ready.messages_when_durable;                                   those to this node go into
//   core.receive() apply ready.committed;  answer ready.reads;
//
// Written after the Raft thesis (Ongaro 2014): pre-vote (9.6), check-quorum and leader stickiness (4.2.3), leadership
// transfer (3.10), one membership change at a time (4.1), read index (6.4), learners (4.2.1).
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/raft/entry_log.h"
#include "host/raft/membership.h"
#include "host/raft/progress.h"
#include "host/raft/types.h"

namespace novacron::host::raft {

constexpr size_t kMaxEntryBytes = 1'024 * 1'024;
constexpr size_t kMaxAppendBytes = 1'024 * 1'024;            ///< in one message; one entry always goes
constexpr size_t kMaxUncommittedBytes = 16 * 1'024 * 1'024;  ///< proposals are refused then
constexpr size_t kMaxReads = 4'096;                          ///< that wait for a quorum's word

enum class Role { kFollower, kPreCandidate, kCandidate, kLeader };

/// A read may be served from a state machine that has applied `index`.
struct ReadReady {
  uint64_t token = 0;
  Index index = 0;  ///< 0: refused, ask again
};

struct Ready {
  std::optional<HardState> hard_state;
  /// Replaces the whole log and the state machine, before `entries`.
  std::shared_ptr<const Snapshot> snapshot;
  /// Go behind the entry before the first one; whatever the storage has from there on is forgotten.
  Entries entries;
  std::vector<Message> messages;
  std::vector<Message> messages_when_durable;
  /// For the state machine, each index exactly once, ascending; entries of every kind.
  Entries committed;
  std::vector<ReadReady> reads;

  bool empty() const;
  bool has_writes() const { return hard_state || snapshot || !entries.empty(); }
};

class Core final {
 public:
  struct Options {
    NodeId node = 0;
    uint32_t heartbeat_ticks = 10;
    uint32_t election_ticks = 100;      ///< the shortest time without a leader; the longest is twice that
    size_t max_append_entries = 1'024;  ///< in one message
    std::function<uint64_t()> random = {};
  };
  /// What the storage has kept.
  struct Stored {
    HardState hard_state;
    /// Where the log begins: everything up to there is applied. Index 0: its membership is the cluster's first. Without
    /// an image it cannot be sent to others.
    Snapshot snapshot;
    Entries entries;  ///< behind the snapshot
  };
  /// DATA_LOSS "raft.membership".
  static Result<Core> restore(Options options, Stored stored);

  void tick();
  /// From a peer, or from this node itself by messages_when_durable.
  void receive(Message message);
  /// The index that the entry got; it is committed when `committed` has it with this term. UNAVAILABLE
  /// "raft.not-leader", "raft.transferring", "raft.busy"; INVALID_ARGUMENT "raft.entry-too-large".
  Result<Index> propose(std::string command);
  /// One after the other: FAILED_PRECONDITION "raft.change-pending", "raft.not-caught-up"; and those of changed() and
  /// propose().
  Result<Index> change_membership(const MembershipChange& change);
  /// The answer comes in `reads`, for a token exactly once; tokens of reads under way differ.
  void read(uint64_t token);
  /// UNAVAILABLE "raft.not-leader"; NOT_FOUND "raft.not-a-voter". It is given up after one election time.
  Status transfer_leadership(NodeId to);

  /// The driver has a snapshot: peers that need what is not in the log any more get it. Everything up to `keep_from` is
  /// dropped from the log in memory.
  void snapshot_taken(std::shared_ptr<const Snapshot> snapshot, Index keep_from);
  /// Everything up to `index`, which is applied, is dropped from the log in memory, although no snapshot may hold it.
  void forget_through(Index index);
  /// A peer needs a snapshot and there is none that the log continues: the driver should take one.
  bool wants_snapshot() const { return wants_snapshot_; }
  /// Chunks of it still arrive there, or it did not get through.
  void snapshot_moves(NodeId peer);
  void snapshot_failed(NodeId peer);

  Ready take_ready();

  NodeId node() const { return options_.node; }
  Role role() const { return role_; }
  NodeId leader() const { return leader_; }  ///< 0: unknown
  const HardState& hard_state() const { return hard_state_; }
  Index commit() const { return commit_; }
  const EntryLog& log() const { return log_; }
  /// The latest in the log, committed or not: it is the one that counts.
  const Membership& membership() const { return memberships_.rbegin()->second; }
  /// In force at `index`, which is not compacted: what a snapshot at `index` must carry.
  const Membership& membership_at(Index index) const;
  /// Of a leader; null: no member.
  const Progress* progress(NodeId peer) const;

 private:
  explicit Core(Options options, Stored stored);

  // core.cpp
  void answer_the_past(const Message& message);
  bool joins_newer_term(const Message& message);
  void become_follower(Term term, NodeId leader);
  void reset_timer();
  void send(NodeId to, decltype(Message::body) body) { send_at(hard_state_.term, to, std::move(body)); }
  void send_at(Term term, NodeId to, decltype(Message::body) body);
  void send_when_durable(NodeId to, decltype(Message::body) body);
  void append(EntryPtr entry);
  void cut_from(Index index);
  void follow_membership();
  void expire_forwarded();
  void hand_out_committed(Ready& ready);

  // election.cpp
  void follow(NodeId leader);
  bool may_campaign() const;
  bool has_leader() const;
  void campaign(VoteKind kind);
  void on(const Message& message, const VoteRequest& request);
  void on(const Message& message, const VoteReply& reply);
  void on(const Message& message, const TimeoutNow& now);
  void count_votes();
  void become_leader();
  void tick_leader();
  void check_quorum();
  void hand_over_if_witness();
  void continue_transfer();

  // replication.cpp
  void on(const Message& message, const AppendRequest& request);
  void on(const Message& message, const AppendReply& reply);
  void on(const Message& message, const Heartbeat& heartbeat);
  void on(const Message& message, const HeartbeatReply& reply);
  void on(const Message& message, const SnapshotRequest& request);
  Index add(const AppendRequest& request);
  void refuse(const Message& message, const AppendRequest& request);
  void commit_through(Index index);
  void advance_commit();
  void replicate_to(NodeId peer, Progress& progress);
  void send_append(NodeId peer, Progress& progress, Entries entries);
  void send_snapshot(NodeId peer, Progress& progress);
  void replicate_to_all();
  void ask_for_lost(NodeId peer, Progress& progress);
  void send_heartbeats();

  // reads.cpp
  bool has_committed_in_term() const;
  void queue_read(NodeId from, uint64_t token);
  void answer_read(NodeId from, uint64_t token, Index index);
  void on(const Message& message, const ReadRequest& request);
  void on(const Message& message, const ReadReply& reply);
  void confirm_reads();
  void send_read_round();
  void refuse_reads();
  void refuse_forwarded();

  const Options options_;
  HardState hard_state_;
  HardState handed_hard_state_;  ///< that the storage was given
  EntryLog log_;
  Index handed_index_;  ///< likewise: everything up to here
  Index commit_;
  Index handed_commit_;
  std::map<Index, Membership> memberships_;  ///< by the index from which it is in force

  Role role_ = Role::kFollower;
  NodeId leader_ = 0;
  uint64_t tick_ = 0;
  uint64_t timer_started_ = 0;   ///< the tick
  uint64_t heartbeat_sent_ = 0;  ///< likewise
  uint32_t timeout_ticks_ = 0;
  std::map<NodeId, bool> votes_;

  // A leader's.
  std::map<NodeId, Progress> progress_;
  size_t uncommitted_bytes_ = 0;
  NodeId transfer_to_ = 0;
  uint64_t transfer_started_ = 0;
  bool is_dirty_ = false;       ///< there are entries or a commit that the members have not heard of
  Index announced_commit_ = 0;  ///< that they have
  uint64_t round_ = 0;          ///< of heartbeats

  struct Read {
    NodeId from;
    uint64_t token;
    Index index;     ///< committed when the read came; 0: the term has committed nothing yet
    uint64_t round;  ///< that must be answered by a quorum; 0: not sent yet
  };
  std::deque<Read> reads_;
  std::map<uint64_t, uint64_t> forwarded_;  ///< by token: the tick when it was sent to the leader

  std::shared_ptr<const Snapshot> snapshot_;  ///< for peers
  bool wants_snapshot_ = false;
  Ready ready_;
};

}  // namespace novacron::host::raft
