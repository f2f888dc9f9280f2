#include "host/raft/membership.h"

#include <catch2/catch.hpp>

using namespace novacron::host::raft;

namespace {

const Membership kThree{{{1, MemberRole::kVoter}, {2, MemberRole::kVoter}, {3, MemberRole::kWitness}}};

std::string refusal(const Membership& before, const MembershipChange& change) {
  const auto after = changed(before, change);
  return after.ok() ? "" : after.error().reason;
}

}  // namespace

TEST_CASE("A change that makes no sense is refused, each with its reason") {
  CHECK(refusal(kThree, MembershipChange::add_learner(0)) == "raft.node");
  CHECK(refusal(kThree, MembershipChange::remove(9)) == "raft.not-a-member");
  CHECK(refusal(kThree, MembershipChange::set_role(1, MemberRole::kVoter)) == "raft.member");
  CHECK(refusal(kThree, MembershipChange::set_role(9, MemberRole::kVoter)) == "raft.join-as-learner");
}

TEST_CASE("The last voter cannot go; a witness alone could not lead") {
  const Membership pair{{{1, MemberRole::kVoter}, {2, MemberRole::kWitness}}};
  CHECK(refusal(pair, MembershipChange::remove(1)) == "raft.last-voter");
  CHECK(refusal(pair, MembershipChange::set_role(1, MemberRole::kLearner)) == "raft.last-voter");
  CHECK(refusal(pair, MembershipChange::remove(2)).empty());
}

TEST_CASE("There are limits to members and to votes") {
  Membership many;
  for (NodeId node = 1; node <= kMaxMembers; ++node) {
    many.members[node] = node <= kMaxVoters ? MemberRole::kVoter : MemberRole::kLearner;
  }
  CHECK(refusal(many, MembershipChange::add_learner(100)) == "raft.members");
  CHECK(refusal(many, MembershipChange::set_role(8, MemberRole::kVoter)) == "raft.voters");
}

TEST_CASE("A membership comes back from its bytes; what is none is refused") {
  CHECK(decode_membership(encode(kThree)).value() == kThree);
  CHECK(decode_membership("").value() == Membership{});
  std::string bytes = encode(kThree);
  for (const std::string& damaged : {bytes.substr(1), bytes + bytes, std::string(9, '\0')}) {
    CHECK(decode_membership(damaged).error().reason == "raft.membership");
  }
  bytes.back() = 9;
  CHECK_FALSE(decode_membership(bytes).ok());
}

TEST_CASE("Learners do not count for a quorum, witnesses do") {
  Membership members = kThree;
  members.members[4] = MemberRole::kLearner;
  CHECK(members.voters() == 3);
  CHECK(members.quorum() == 2);
}
