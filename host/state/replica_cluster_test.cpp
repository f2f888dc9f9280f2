// Engines of several nodes: who is asked, who answers, and what stays when nodes come and go.
#include "host/state/peer_frame.h"
#include "tests/sim/state_cluster.h"

using namespace novacron::host;
using namespace novacron::host::state;
using Cluster = sim::ClusterFixture;
using sim::txn_of;

TEST_CASE("without a quorum changes and reads are refused, but what is here can be read") {
  Cluster cluster(3);
  const raft::NodeId leader = cluster.leader();
  cluster.put(leader, "a", "1");
  const raft::NodeId other = cluster.follower();
  REQUIRE(cluster.has(other, "a", "1"));
  for (raft::NodeId node = 1; node <= 3; ++node)
    if (node != other) cluster.stop(node);
  const auto put = cluster.sync(other).put("a", "2");
  CHECK(put.code() == Code::kUnavailable);
  CHECK(put.error().retry_after_ns > 0);
  const auto read = cluster.sync(other).get("a");
  CHECK(read.error().reason == "state.no-leader");
  const auto local =
      cluster.sync(other).range({.keys = KeyRange::one("a"), .freshness = RangeRequest::Freshness::kLocal});
  REQUIRE(local.ok());
  CHECK(local->entries.at(0)->value == "1");
}

TEST_CASE("any node takes changes and reads, and each read sees what was acknowledged before, wherever") {
  Cluster cluster(3);
  cluster.leader();
  for (int each = 0; each < 30; ++each) {
    const raft::NodeId writer = 1 + static_cast<raft::NodeId>(each) % 3;
    cluster.put(writer, "a", std::to_string(each));
    for (raft::NodeId reader = 1; reader <= 3; ++reader) REQUIRE(cluster.value(reader, "a") == std::to_string(each));
  }
  CHECK(cluster.at(1).status().members == 3);
}

TEST_CASE("a refusal by the state is the same from every node") {
  Cluster cluster(3);
  const raft::NodeId leader = cluster.leader();
  for (const raft::NodeId node : {leader, cluster.follower()}) {
    CHECK(cluster.sync(node).txn(txn_of({}, {Put{"b", "x", 99}})).error().reason == "state.lease");
    CHECK_FALSE(cluster.sync(node).txn(txn_of({Compare::exists("b")}, {Put{"c", "x"}}))->succeeded);
    CHECK(cluster.sync(node).revoke_lease(99).error().reason == "state.lease");
  }
}

TEST_CASE("the leader is killed: another follows, nothing acknowledged is lost, and who was killed catches up") {
  Cluster cluster(3);
  std::map<std::string, std::string> acknowledged;
  for (int round = 0; round < 3; ++round) {
    const raft::NodeId leader = cluster.leader();
    const raft::NodeId other = cluster.follower();
    for (int each = 0; each < 20; ++each) {
      const std::string key = "k" + std::to_string(each);
      cluster.put(each % 2 == 0 ? leader : other, key, std::to_string(round));
      acknowledged[key] = std::to_string(round);
    }
    cluster.kill(leader);
    const raft::NodeId next = cluster.leader(leader);
    CHECK(next != leader);
    for (const auto& [key, value] : acknowledged) REQUIRE(cluster.value(other, key) == value);
    cluster.put(other, "meanwhile", std::to_string(round));
    cluster.start(leader);
    REQUIRE(cluster.has(leader, "meanwhile", std::to_string(round)));
  }
}

TEST_CASE("a leader that stops hands over at once, and what it was asked before is answered") {
  Cluster cluster(3);
  const raft::NodeId leader = cluster.leader();
  std::atomic<int> answered{0};
  for (int each = 0; each < 100; ++each)
    cluster.at(leader).txn(txn_of({}, {Put{"k" + std::to_string(each), "x"}}),
                           [&](const Result<TxnReply>&) { ++answered; });
  cluster.stop(leader);
  CHECK(answered == 100);
  const raft::NodeId next = cluster.leader(leader);
  CHECK(cluster.sync(next).put("a", "1").ok());
}

TEST_CASE("a leader that is cut off answers no read that must be fresh, and none of its changes counts") {
  Cluster cluster(3);
  const raft::NodeId old_leader = cluster.leader();
  cluster.put(old_leader, "a", "old");
  cluster.board.cut(old_leader);
  const raft::NodeId next = cluster.leader(old_leader);
  cluster.put(next, "a", "new");
  CHECK(cluster.sync(old_leader).get("a").error().code == Code::kUnavailable);
  CHECK(cluster.sync(old_leader).put("a", "lost").code() == Code::kUnavailable);
  const auto local =
      cluster.sync(old_leader).range({.keys = KeyRange::one("a"), .freshness = RangeRequest::Freshness::kLocal});
  CHECK(local->entries.at(0)->value == "old");
  cluster.board.heal();
  CHECK(cluster.value(old_leader, "a") == "new");
}

TEST_CASE("a transaction of a session that is tried again at another node, under another leader, has one effect") {
  Cluster cluster(3);
  const raft::NodeId leader = cluster.leader();
  const raft::NodeId other = cluster.follower();
  const uint64_t session = *cluster.sync(other).open_session();
  Txn txn = txn_of({Compare::absent("a")}, {Put{"a", "1"}});
  txn.session = session;
  txn.sequence = 1;
  const TxnReply first = *cluster.sync(other).txn(txn);
  CHECK(first.succeeded);
  cluster.kill(leader);
  cluster.leader(leader);
  Result<TxnReply> again = first;
  REQUIRE(Cluster::wait_until([&] { return (again = cluster.sync(other).txn(txn)).ok(); }));
  CHECK(again->succeeded);
  CHECK(again->revision == first.revision);
  CHECK((*cluster.sync(other).get("a"))->version == 1);
}

TEST_CASE("a node that lacks more than the others have in memory gets a snapshot, also through a link that breaks") {
  Cluster cluster(3);
  const raft::NodeId leader = cluster.leader();
  const raft::NodeId late = cluster.follower();
  const raft::NodeId other = 6 - leader - late;
  cluster.stop(late);
  for (int each = 0; each < 60; ++each) cluster.put(leader, "big/" + std::to_string(each), std::string(100'000, 'x'));
  // What is in memory begins where a node was started.
  cluster.stop(other);
  cluster.stop(leader);
  cluster.start(other);
  cluster.start(leader);
  cluster.put(other, "after", "1");
  cluster.start(late);
  const uint64_t before = cluster.board.bytes(raft::Lane::kBulk);
  Cluster::wait_until([&] { return cluster.board.bytes(raft::Lane::kBulk) > before + 2'000'000; });
  cluster.board.cut(late);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  cluster.board.heal();
  REQUIRE(cluster.has(late, "after", "1"));
  CHECK(cluster.sync(late).range({.keys = KeyRange::prefix("big/")})->entries.size() == 60);
  cluster.put(late, "alive", "1");
  cluster.kill(late);
  cluster.start(late);
  REQUIRE(cluster.has(late, "alive", "1"));
  CHECK(cluster.value(late, "after") == "1");
  CHECK(cluster.at(late).status().revision == cluster.at(other).status().revision);
}

TEST_CASE("a lease is kept through any node, and ends when nobody keeps it, also under another leader") {
  Cluster cluster(3);
  const raft::NodeId leader = cluster.leader();
  const raft::NodeId other = cluster.follower();
  const Lease kept = *cluster.sync(other).grant_lease(2'000);
  const Lease lost = *cluster.sync(other).grant_lease(2'000);
  REQUIRE(cluster.sync(other).put("kept", "x", kept.id).ok());
  REQUIRE(cluster.sync(leader).put("lost", "x", lost.id).ok());
  CHECK(cluster.sync(other).keep_lease(kept.id)->ttl_ms == 2'000);
  CHECK(cluster.sync(other).keep_lease(12'345).error().reason == "state.lease");
  cluster.kill(leader);
  cluster.leader(leader);
  const auto end = std::chrono::steady_clock::now() + Cluster::kPatience;
  while (cluster.value(other, "lost") != "(absent)" && std::chrono::steady_clock::now() < end)
    (void)cluster.sync(other).keep_lease(kept.id);
  CHECK(cluster.value(other, "lost") == "(absent)");
}

TEST_CASE("watchers of every node see every change once, in order, whoever leads") {
  Cluster cluster(3);
  const raft::NodeId leader = cluster.leader();
  const raft::NodeId other = cluster.follower();
  sim::WatchRecorder recorder;
  cluster.at(other).watch({.keys = KeyRange::all(), .after_revision = 1}, recorder.callbacks());
  for (int each = 0; each < 20; ++each) cluster.put(other, "k", std::to_string(each));
  cluster.kill(leader);
  cluster.leader(leader);
  for (int each = 0; each < 20; ++each) cluster.put(other, "k", std::to_string(each));
  REQUIRE(recorder.wait_for_revision(cluster.at(other).revision()));
  Revision last = 1;
  for (const auto& batch : recorder.batches()) CHECK(batch.revision == ++last);
  cluster.stop(other);
}

TEST_CASE("a folder opens only among the nodes that its cluster began with") {
  sim::Disk disk;
  sim::ManualClock clock;
  Replica::Options options{.folder = "data", .segment_bytes = 64 * 1'024, .tick_ms = 0};
  {
    const auto alone = Replica::open(disk, clock, options);
    REQUIRE(alone.ok());
    REQUIRE(Sync(**alone).put("a", "1").ok());
  }
  options.first_members.members = {{1, raft::MemberRole::kVoter}, {2, raft::MemberRole::kVoter}};
  const auto grown = Replica::open(disk, clock, options);
  CHECK(grown.error().reason == "state.members");
  CHECK(grown.error().message.find("nodes 1, the settings name 1, 2") != std::string::npos);
  options.first_members = {};
  CHECK(Sync(**Replica::open(disk, clock, options)).get("a").ok());
}

TEST_CASE("who is no member is not heard, whatever term it is in") {
  sim::Switchboard board;
  sim::Plug plug(board, 1);
  sim::Plug stranger(board, 2);
  stranger.start([](raft::NodeId, const std::string&) {});
  sim::Disk disk;
  sim::ManualClock clock;
  Replica::Options options{.folder = "data", .segment_bytes = 64 * 1'024, .tick_ms = 0};
  options.peers = &plug;
  const auto alone = *Replica::open(disk, clock, options);
  REQUIRE(Sync(*alone).put("a", "1").ok());
  for (int times = 0; times < 10; ++times) {
    const auto entry = std::make_shared<raft::Entry>(raft::Entry{99, 1, raft::EntryKind::kNoop, {}});
    stranger.send(1, raft::Lane::kBulk, encode_frame(raft::Message{2, 1, 99, raft::AppendRequest{0, 0, 1, {entry}}}));
    REQUIRE(Sync(*alone).put("a", std::to_string(times)).ok());
  }
  CHECK(alone->status().term < 99);
  CHECK(alone->status().leader == 1);
  stranger.stop();
}

TEST_CASE("a folder opens only as the node that it is of") {
  sim::Disk disk;
  sim::ManualClock clock;
  Replica::Options options{.folder = "data", .segment_bytes = 64 * 1'024, .tick_ms = 0};
  options.node = 2;
  REQUIRE(Replica::open(disk, clock, options).ok());
  options.node = 3;
  const auto wrong = Replica::open(disk, clock, options);
  CHECK(wrong.error().reason == "state.identity");
  disk.write("data/identity", "cut");
  options.node = 2;
  CHECK(Replica::open(disk, clock, options).error().reason == "state.format");
}
