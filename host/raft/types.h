// What the Raft core speaks of: entries, members, snapshots, and the messages between nodes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace novacron::host::raft {

using NodeId = uint64_t;  ///< 0: none
using Term = uint64_t;
using Index = uint64_t;  ///< of an entry of the log; the first is 1

/// What must be on the disk before anything that follows from it leaves this node.
struct HardState {
  Term term = 0;
  NodeId vote = 0;  ///< who got this node's vote in `term`; 0: nobody yet

  bool operator==(const HardState&) const = default;
};

enum class EntryKind : uint8_t {
  kNoop = 0,        ///< a leader's first; nothing for the state machine
  kCommand = 1,     ///< the state machine's
  kMembership = 2,  ///< a Membership as encode() writes it
};

/// Immutable, and shared by the log, the messages and the storage.
struct Entry {
  Term term = 0;
  Index index = 0;
  EntryKind kind = EntryKind::kCommand;
  std::string payload = {};
};
using EntryPtr = std::shared_ptr<const Entry>;

/// In ascending order, without gaps.
using Entries = std::vector<EntryPtr>;

enum class MemberRole : uint8_t {
  kLearner = 1,  ///< gets the log, has no vote
  kVoter = 2,
  kWitness = 3,  ///< votes and stores the log, has no state machine, and hands leadership over at once
};

/// Who belongs to the cluster.
struct Membership {
  std::map<NodeId, MemberRole> members = {};

  bool contains(NodeId node) const { return members.contains(node); }
  /// That count for a quorum: voters and witnesses.
  bool votes(NodeId node) const;
  bool is_witness(NodeId node) const;
  size_t voters() const;
  size_t quorum() const { return voters() / 2 + 1; }

  bool operator==(const Membership&) const = default;
};

/// The state machine's state after `index`, kept by whoever made it (a file, a view of the memory): the core only
/// passes it on.
class SnapshotImage {
 public:
  virtual ~SnapshotImage() = default;
};

struct Snapshot {
  Index index = 0;
  Term term = 0;          ///< of the entry at `index`
  Membership membership;  ///< that was in force at `index`
  std::shared_ptr<const SnapshotImage> image;
};

enum class VoteKind : uint8_t {
  kPre,       ///< asks whether a vote would be granted; changes nothing
  kElection,  ///< asks for it
  kTransfer,  ///< the same, with the leader's consent: granted although there is a leader
};

struct VoteRequest {
  VoteKind kind = VoteKind::kElection;
  Index last_index = 0;
  Term last_term = 0;
};
struct VoteReply {
  VoteKind kind = VoteKind::kElection;
  bool granted = false;
};

struct AppendRequest {
  Index previous_index = 0;  ///< of the entry before `entries`
  Term previous_term = 0;
  Index commit = 0;
  Entries entries = {};
  uint64_t attempt = 0;  ///< the reply says it again
};
struct AppendReply {
  bool accepted = false;
  Index index = 0;       ///< accepted: the log agrees up to here, on the disk; else: previous_index, which did not
  Index hint_index = 0;  ///< not accepted: the log may agree up to here
  Term hint_term = 0;    ///< of the entry at hint_index
  uint64_t attempt = 0;  ///< of the request
};

struct Heartbeat {
  Index commit = 0;    ///< that the receiver's log is known to have
  uint64_t round = 0;  ///< ascending within a term
};
struct HeartbeatReply {
  uint64_t round = 0;
};

struct SnapshotRequest {
  std::shared_ptr<const Snapshot> snapshot;
};

/// Start an election now: the leader wants it.
struct TimeoutNow {};

struct ReadRequest {
  uint64_t token = 0;
};
struct ReadReply {
  uint64_t token = 0;
  Index index = 0;  ///< 0: refused, this node is no leader
};

struct Message {
  NodeId from = 0;
  NodeId to = 0;
  Term term = 0;  ///< of the sender; of VoteKind::kPre: that it would stand in
  std::variant<VoteRequest, VoteReply, AppendRequest, AppendReply, Heartbeat, HeartbeatReply, SnapshotRequest,
               TimeoutNow, ReadRequest, ReadReply>
      body;
};

}  // namespace novacron::host::raft
