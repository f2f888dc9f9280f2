#include "host/raft/membership.h"

#include <algorithm>

namespace novacron::host::raft {
namespace {

constexpr size_t kIdBytes = 8;
constexpr size_t kMemberBytes = kIdBytes + 1;

bool has_vote(MemberRole role) {
  return role != MemberRole::kLearner;
}

std::string name_of(NodeId node) {
  return "node " + std::to_string(node);
}

Status may_join(const Membership& before, const MembershipChange& change) {
  if (change.role != MemberRole::kLearner) {
    return Error{Code::kFailedPrecondition,
                 name_of(change.node) + " must join as a learner first, and get its vote when it has the log",
                 "raft.join-as-learner"};
  }
  if (before.members.size() < kMaxMembers) return {};
  return Error{Code::kResourceExhausted, "a cluster has at most 64 members", "raft.members"};
}

Status may_lead_itself(const Membership& after) {
  const bool can_lead = std::any_of(after.members.begin(), after.members.end(),
                                    [](const auto& member) { return member.second == MemberRole::kVoter; });
  if (!can_lead) return Error{Code::kFailedPrecondition, "the last voter cannot go", "raft.last-voter"};
  if (after.voters() <= kMaxVoters) return {};
  return Error{Code::kResourceExhausted, "a cluster has at most 7 votes; more nodes can be learners", "raft.voters"};
}

}  // namespace

bool Membership::votes(NodeId node) const {
  const auto found = members.find(node);
  return found != members.end() && has_vote(found->second);
}

bool Membership::is_witness(NodeId node) const {
  const auto found = members.find(node);
  return found != members.end() && found->second == MemberRole::kWitness;
}

size_t Membership::voters() const {
  return static_cast<size_t>(
      std::count_if(members.begin(), members.end(), [](const auto& member) { return has_vote(member.second); }));
}

Result<Membership> changed(const Membership& before, const MembershipChange& change) {
  if (change.node == 0) return Error{Code::kInvalidArgument, "0 is no node's id", "raft.node"};
  Membership after = before;
  const auto found = after.members.find(change.node);
  const bool is_member = found != after.members.end();
  if (change.is_removal) {
    if (!is_member) return Error{Code::kNotFound, name_of(change.node) + " is no member", "raft.not-a-member"};
    after.members.erase(found);
  } else {
    if (is_member && found->second == change.role) {
      return Error{Code::kAlreadyExists, name_of(change.node) + " has this role already", "raft.member"};
    }
    if (!is_member) TRY_STATUS(may_join(before, change));
    after.members[change.node] = change.role;
  }
  TRY_STATUS(may_lead_itself(after));
  return after;
}

std::string encode(const Membership& membership) {
  std::string out;
  out.reserve(membership.members.size() * kMemberBytes);
  for (const auto& [node, role] : membership.members) {
    for (size_t i = 0; i < kIdBytes; ++i) out.push_back(static_cast<char>(node >> (8 * i)));
    out.push_back(static_cast<char>(role));
  }
  return out;
}

Result<Membership> decode_membership(std::string_view bytes) {
  const Error damaged{Code::kDataLoss, "an entry of the log that should hold the members does not", "raft.membership"};
  if (bytes.size() % kMemberBytes != 0 || bytes.size() > kMaxMembers * kMemberBytes) return damaged;
  Membership membership;
  for (; !bytes.empty(); bytes.remove_prefix(kMemberBytes)) {
    NodeId node = 0;
    for (size_t i = 0; i < kIdBytes; ++i) node |= static_cast<NodeId>(static_cast<uint8_t>(bytes[i])) << (8 * i);
    const auto role = static_cast<uint8_t>(bytes[kIdBytes]);
    if (node == 0 || role < 1 || role > 3) return damaged;
    if (!membership.members.emplace(node, static_cast<MemberRole>(role)).second) return damaged;
  }
  return membership;
}

}  // namespace novacron::host::raft
