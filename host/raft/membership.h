// Changes of a cluster's membership, one at a time, and how a membership is written into the log.
#pragma once

#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/raft/types.h"

namespace novacron::host::raft {

constexpr size_t kMaxMembers = 64;
constexpr size_t kMaxVoters = 7;  ///< witnesses included

/// One member joins, leaves, or gets another role.
struct MembershipChange {
  NodeId node = 0;
  /// Absent before: it joins, as a learner only. kLearner for a voter: it loses its vote.
  MemberRole role = MemberRole::kLearner;
  bool is_removal = false;  ///< `role` says nothing then

  static MembershipChange add_learner(NodeId node) { return {node, MemberRole::kLearner, false}; }
  static MembershipChange set_role(NodeId node, MemberRole role) { return {node, role, false}; }
  static MembershipChange remove(NodeId node) { return {node, MemberRole::kLearner, true}; }
};

/// Quorums before and after overlap, since at most one vote changes. INVALID_ARGUMENT "raft.node"; NOT_FOUND
/// "raft.not-a-member"; ALREADY_EXISTS "raft.member"; FAILED_PRECONDITION "raft.join-as-learner", "raft.last-voter";
/// RESOURCE_EXHAUSTED "raft.members", "raft.voters".
Result<Membership> changed(const Membership& before, const MembershipChange& change);

/// 9 bytes a member: its id, little-endian, and its role.
std::string encode(const Membership& membership);
/// DATA_LOSS "raft.membership": these bytes are no membership.
Result<Membership> decode_membership(std::string_view bytes);

}  // namespace novacron::host::raft
