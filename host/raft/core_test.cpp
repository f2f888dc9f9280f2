#include "host/raft/core.h"

#include <catch2/catch.hpp>

#include "host/raft/cluster_for_test.h"

using namespace novacron::host;
using namespace novacron::host::raft;
using novacron::host::raft::testing::Cluster;
using novacron::host::raft::testing::NoImage;

namespace {

EntryPtr entry(Term term, Index index, std::string payload = "x") {
  return std::make_shared<Entry>(Entry{term, index, EntryKind::kCommand, std::move(payload)});
}

/// One of three voters that has stored this.
Core one_of_three(HardState hard_state, Entries entries) {
  Core::Stored stored;
  stored.hard_state = hard_state;
  stored.snapshot.membership.members = {{1, MemberRole::kVoter}, {2, MemberRole::kVoter}, {3, MemberRole::kVoter}};
  stored.entries = std::move(entries);
  return Core::restore({1, 2, 10, 1'024, [] { return 0; }}, std::move(stored)).value();
}

template <class Body>
const Body& only(const std::vector<Message>& messages) {
  REQUIRE(messages.size() == 1);
  REQUIRE(std::holds_alternative<Body>(messages[0].body));
  return std::get<Body>(messages[0].body);
}

std::shared_ptr<Snapshot> snapshot_of(const Core& core, Index index) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->index = index;
  snapshot->term = core.log().term_at(index).value();
  snapshot->membership = core.membership_at(index);
  snapshot->image = std::make_shared<NoImage>();
  return snapshot;
}

}  // namespace

TEST_CASE("A cluster of one elects itself and commits what its own disk has") {
  auto cluster = Cluster::of_voters(1);
  cluster.elect(1);
  REQUIRE(cluster.at(1).role() == Role::kLeader);
  REQUIRE(cluster.at(1).propose("a").ok());
  cluster.work(1);
  CHECK(cluster.applied(1).empty());
  cluster.settle();
  CHECK(cluster.applied(1) == std::vector<std::string>{"a"});
}

TEST_CASE("A write is committed when a quorum has it, and reaches all") {
  auto cluster = Cluster::of_voters(3);
  cluster.elect(2);
  REQUIRE(cluster.at(2).propose("a").ok());
  cluster.settle();
  for (const NodeId node : {1, 2, 3}) CHECK(cluster.applied(node) == std::vector<std::string>{"a"});
  CHECK(cluster.at(1).leader() == 2);
}

TEST_CASE("Nobody but the leader takes proposals, and it says no to what is too large") {
  auto cluster = Cluster::of_voters(3);
  CHECK(cluster.at(1).propose("a").error().reason == "raft.not-leader");
  cluster.elect(1);
  CHECK(cluster.at(1).propose(std::string(kMaxEntryBytes + 1, 'x')).error().reason == "raft.entry-too-large");
  for (int i = 0; i < 16; ++i) REQUIRE(cluster.at(1).propose(std::string(kMaxEntryBytes, 'x')).ok());
  CHECK(cluster.at(1).propose("one more").error().reason == "raft.busy");
  cluster.settle();
  CHECK(cluster.at(1).propose("one more").ok());
}

TEST_CASE("A leader's own copy counts only once its disk has it") {
  auto cluster = Cluster::of_voters(2);
  cluster.elect(1);
  REQUIRE(cluster.at(1).propose("a").ok());
  const Index before = cluster.at(1).commit();
  const Ready ready = cluster.at(1).take_ready();
  REQUIRE(ready.entries.size() == 1);
  cluster.at(1).receive({2, 1, 1, AppendReply{true, 2, 0, 0}});
  CHECK(cluster.at(1).commit() == before);
  for (const Message& message : ready.messages_when_durable) cluster.at(1).receive(message);
  CHECK(cluster.at(1).commit() == 2);
}

TEST_CASE("What an earlier term left is not committed by counting, but by an entry of one's own term") {
  Core core = one_of_three({2, 0}, {entry(1, 1), entry(2, 2)});
  for (int i = 0; i < 10; ++i) core.tick();
  (void)core.take_ready();
  core.receive({2, 1, 3, VoteReply{VoteKind::kPre, true}});
  for (const Message& message : core.take_ready().messages_when_durable) core.receive(message);
  core.receive({2, 1, 3, VoteReply{VoteKind::kElection, true}});
  REQUIRE(core.role() == Role::kLeader);
  REQUIRE(core.log().last_index() == 3);  // its first own entry
  for (const Message& message : core.take_ready().messages_when_durable) core.receive(message);
  core.receive({2, 1, 3, AppendReply{true, 2, 0, 0}});
  CHECK(core.commit() == 0);
  core.receive({2, 1, 3, AppendReply{true, 3, 0, 0}});
  CHECK(core.commit() == 3);
}

TEST_CASE("An append that comes late cuts nothing off") {
  Core core = one_of_three({1, 0}, {});
  core.receive({2, 1, 1, AppendRequest{0, 0, 0, {entry(1, 1), entry(1, 2), entry(1, 3)}}});
  core.receive({2, 1, 1, AppendRequest{0, 0, 0, {entry(1, 1)}}});
  CHECK(core.log().last_index() == 3);
}

TEST_CASE("An append of a newer term cuts what differs, and the storage hears from where") {
  Core core = one_of_three({1, 0}, {entry(1, 1), entry(1, 2, "old"), entry(1, 3, "old")});
  core.receive({2, 1, 2, AppendRequest{1, 1, 0, {entry(2, 2, "new")}}});
  const Ready ready = core.take_ready();
  REQUIRE(ready.entries.size() == 1);
  CHECK(ready.entries[0]->index == 2);
  CHECK(ready.entries[0]->payload == "new");
  CHECK(core.log().last_index() == 2);
  CHECK(only<AppendReply>(ready.messages_when_durable).index == 2);
}

TEST_CASE("An append behind a gap is refused with a hint that skips a whole term") {
  Core core = one_of_three({4, 0}, {entry(1, 1), entry(3, 2), entry(3, 3)});
  core.receive({2, 1, 4, AppendRequest{9, 2, 0, {entry(4, 10)}}});
  const Ready ready = core.take_ready();
  const auto& reply = only<AppendReply>(ready.messages);
  CHECK_FALSE(reply.accepted);
  CHECK(reply.index == 9);
  CHECK(reply.hint_index == 1);
  CHECK(reply.hint_term == 1);
}

TEST_CASE("A vote is given once a term, goes to the disk first, and only to who has as much") {
  Core core = one_of_three({1, 0}, {entry(1, 1)});
  core.receive({2, 1, 2, VoteRequest{VoteKind::kElection, 0, 0}});
  Ready ready = core.take_ready();
  CHECK_FALSE(only<VoteReply>(ready.messages_when_durable).granted);
  core.receive({3, 1, 2, VoteRequest{VoteKind::kElection, 1, 1}});
  ready = core.take_ready();
  CHECK(ready.messages.empty());
  CHECK(only<VoteReply>(ready.messages_when_durable).granted);
  CHECK(ready.hard_state == HardState{2, 3});
  core.receive({2, 1, 2, VoteRequest{VoteKind::kElection, 5, 1}});
  CHECK_FALSE(only<VoteReply>(core.take_ready().messages_when_durable).granted);
}

TEST_CASE("One that was cut off does not disturb the others when it comes back") {
  auto cluster = Cluster::of_voters(3);
  cluster.elect(1);
  cluster.cut_off(3);
  cluster.tick_all(5 * Cluster::kElectionTicks);
  CHECK(cluster.at(3).hard_state().term == 1);
  cluster.heal();
  cluster.tick_all(Cluster::kElectionTicks);
  CHECK(cluster.at(1).role() == Role::kLeader);
  CHECK(cluster.at(1).hard_state().term == 1);
}

TEST_CASE("A leader without a quorum steps down, and the others elect another one") {
  auto cluster = Cluster::of_voters(3);
  cluster.elect(1);
  cluster.cut_off(1);
  cluster.tick_all(4 * Cluster::kElectionTicks);
  CHECK(cluster.at(1).role() != Role::kLeader);
  CHECK((cluster.at(2).role() == Role::kLeader) != (cluster.at(3).role() == Role::kLeader));
}

TEST_CASE("A read is answered by the leader only after a quorum has said that it leads") {
  auto cluster = Cluster::of_voters(3);
  cluster.elect(1);
  cluster.cut_off(1);
  cluster.at(1).read(7);
  cluster.settle();
  CHECK(cluster.reads(1).empty());
  cluster.heal();
  cluster.at(1).read(8);
  cluster.settle();
  REQUIRE(cluster.reads(1).size() == 2);
  CHECK(cluster.reads(1)[1].token == 8);
  CHECK(cluster.reads(1)[1].index == cluster.at(1).commit());
}

TEST_CASE("A read at a follower gets the leader's index; without a leader it is refused") {
  auto cluster = Cluster::of_voters(3);
  cluster.at(2).read(1);
  cluster.settle();
  CHECK(cluster.reads(2).at(0).index == 0);
  cluster.elect(1);
  cluster.at(2).read(2);
  cluster.settle();
  CHECK(cluster.reads(2).at(1).index == 1);
}

TEST_CASE("A read that was forwarded and lost is refused after a while") {
  auto cluster = Cluster::of_voters(3);
  cluster.elect(1);
  cluster.cut_off(2);
  cluster.at(2).read(5);
  cluster.tick_all(5 * Cluster::kElectionTicks);
  REQUIRE(cluster.reads(2).size() == 1);
  CHECK(cluster.reads(2)[0].index == 0);
}

TEST_CASE("A node joins as a learner, gets the log, then a vote; two changes at once are refused") {
  auto cluster = Cluster::of_voters(3);
  cluster.add(4);
  cluster.elect(1);
  Core& leader = cluster.at(1);
  CHECK(leader.change_membership(MembershipChange::set_role(4, MemberRole::kVoter)).error().reason ==
        "raft.join-as-learner");
  REQUIRE(leader.change_membership(MembershipChange::add_learner(4)).ok());
  CHECK(leader.change_membership(MembershipChange::remove(2)).error().reason == "raft.change-pending");
  cluster.settle();
  CHECK(cluster.at(4).membership().members.size() == 4);
  REQUIRE(leader.change_membership(MembershipChange::set_role(4, MemberRole::kVoter)).ok());
  cluster.settle();
  CHECK(leader.membership().quorum() == 3);
}

TEST_CASE("A learner that lacks the log gets no vote") {
  auto cluster = Cluster::of_voters(1);
  cluster.elect(1);
  REQUIRE(cluster.at(1).change_membership(MembershipChange::add_learner(2)).ok());
  cluster.settle();
  for (int i = 0; i < 2'000; ++i) REQUIRE(cluster.at(1).propose("x").ok());
  cluster.settle();
  CHECK(cluster.at(1).change_membership(MembershipChange::set_role(2, MemberRole::kVoter)).error().reason ==
        "raft.not-caught-up");
}

TEST_CASE("A leader that removes itself leads until that is committed") {
  auto cluster = Cluster::of_voters(3);
  cluster.elect(1);
  REQUIRE(cluster.at(1).change_membership(MembershipChange::remove(1)).ok());
  CHECK(cluster.at(1).role() == Role::kLeader);
  cluster.settle();
  CHECK(cluster.at(1).role() == Role::kFollower);
  CHECK(cluster.at(2).membership().voters() == 2);
}

TEST_CASE("One that alone has the entry by which it is removed can still be elected, and spread it") {
  auto cluster = Cluster::of_voters(2);
  cluster.elect(1);
  cluster.lost = [](const Message& message) { return message.to == 2; };
  REQUIRE(cluster.at(1).change_membership(MembershipChange::remove(1)).ok());
  cluster.tick_all(3 * Cluster::kElectionTicks);
  REQUIRE(cluster.at(1).role() != Role::kLeader);
  cluster.heal();
  cluster.tick_all(3 * Cluster::kElectionTicks);
  CHECK(cluster.at(2).role() == Role::kLeader);
  CHECK_FALSE(cluster.at(2).membership().contains(1));
}

TEST_CASE("A change of members that is cut off again is forgotten") {
  Core core = one_of_three({1, 0}, {entry(1, 1)});
  const Membership two{{{1, MemberRole::kVoter}, {2, MemberRole::kVoter}}};
  const auto change = std::make_shared<Entry>(Entry{1, 2, EntryKind::kMembership, encode(two)});
  core.receive({2, 1, 1, AppendRequest{1, 1, 1, {change}}});
  REQUIRE(core.membership() == two);
  core.receive({3, 1, 2, AppendRequest{1, 1, 1, {entry(2, 2)}}});
  CHECK(core.membership().voters() == 3);
}

TEST_CASE("A snapshot carries the members of its own index, not later ones") {
  auto cluster = Cluster::of_voters(3);
  cluster.elect(1);
  REQUIRE(cluster.at(1).propose("a").ok());
  cluster.settle();
  cluster.cut_off(1);
  REQUIRE(cluster.at(1).change_membership(MembershipChange::remove(3)).ok());
  CHECK(cluster.at(1).membership().voters() == 2);
  CHECK(cluster.at(1).membership_at(cluster.at(1).commit()).voters() == 3);
}

TEST_CASE("One that lacks what was compacted gets a snapshot, then the rest") {
  auto cluster = Cluster::of_voters(3);
  cluster.elect(1);
  cluster.cut_off(3);
  for (int i = 0; i < 10; ++i) REQUIRE(cluster.at(1).propose(std::to_string(i)).ok());
  cluster.settle();
  Core& leader = cluster.at(1);
  leader.snapshot_taken(snapshot_of(leader, 8), 8);
  REQUIRE(leader.log().first_index() == 9);
  cluster.heal();
  cluster.tick_all(Cluster::kElectionTicks);
  CHECK(cluster.at(3).commit() == leader.commit());
  CHECK(cluster.applied(3) == std::vector<std::string>{"7", "8", "9"});
}

TEST_CASE("A snapshot that is lost on its way is sent again") {
  auto cluster = Cluster::of_voters(3);
  cluster.elect(1);
  cluster.cut_off(3);
  REQUIRE(cluster.at(1).propose("a").ok());
  cluster.settle();
  cluster.at(1).snapshot_taken(snapshot_of(cluster.at(1), 2), 2);
  cluster.lost = [](const Message& message) { return std::holds_alternative<SnapshotRequest>(message.body); };
  cluster.tick_all(Cluster::kElectionTicks);
  cluster.heal();
  cluster.tick_all(5 * Cluster::kElectionTicks);
  CHECK(cluster.at(3).commit() == cluster.at(1).commit());
}

TEST_CASE("Leadership is handed over without a pause in which nobody leads") {
  auto cluster = Cluster::of_voters(3);
  cluster.elect(1);
  REQUIRE(cluster.at(1).transfer_leadership(3).ok());
  CHECK(cluster.at(1).propose("a").error().reason == "raft.transferring");
  cluster.settle();
  CHECK(cluster.at(3).role() == Role::kLeader);
  CHECK(cluster.at(1).role() == Role::kFollower);
}

TEST_CASE("A handover that comes to nothing is given up") {
  auto cluster = Cluster::of_voters(3);
  cluster.elect(1);
  cluster.cut_off(3);
  REQUIRE(cluster.at(1).transfer_leadership(3).ok());
  cluster.tick_all(Cluster::kElectionTicks + 1);
  CHECK(cluster.at(1).propose("a").ok());
}

TEST_CASE("A witness that must lead hands over as soon as another one can") {
  Cluster cluster({{1, MemberRole::kWitness}, {2, MemberRole::kVoter}, {3, MemberRole::kVoter}});
  cluster.tick(1, 4 * Cluster::kElectionTicks);
  cluster.settle();
  REQUIRE(cluster.at(1).role() == Role::kLeader);
  cluster.tick_all(3);
  CHECK(cluster.at(1).role() == Role::kFollower);
  CHECK((cluster.at(2).role() == Role::kLeader || cluster.at(3).role() == Role::kLeader));
}

TEST_CASE("A restart goes on with the same term, vote, log and members") {
  Core core = one_of_three({3, 2}, {entry(1, 1), entry(3, 2)});
  CHECK(core.hard_state() == HardState{3, 2});
  CHECK(core.log().last_index() == 2);
  CHECK(core.commit() == 0);
  CHECK(core.take_ready().empty());
}

TEST_CASE("Members in the log that cannot be read are damage") {
  Core::Stored stored;
  stored.entries = {std::make_shared<Entry>(Entry{1, 1, EntryKind::kMembership, "?"})};
  const auto core = Core::restore({1, 2, 10, 1'024, [] { return 0; }}, std::move(stored));
  CHECK(core.error().reason == "raft.membership");
}
