#include "host/state/one_node.h"

#include <stdlib.h>

#include <filesystem>
#include <random>
#include <thread>

#include "host/state/sync.h"
#include "tests/sim/state_disk.h"
#include "tests/sim/state_fixture.h"

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::state;

namespace {

/// An engine on a disk in memory, whose time is the test's.
struct Fixture {
  sim::Disk disk;
  sim::ManualClock clock;
  OneNode::Options options{.folder = "data", .segment_bytes = 64 * 1'024, .tick_ms = 0};
  std::unique_ptr<OneNode> engine;

  Fixture() { reopen(); }
  explicit Fixture(const std::function<void(OneNode::Options&)>& change) {
    change(options);
    reopen();
  }
  void reopen() {
    engine.reset();
    auto opened = OneNode::open(disk, clock, options);
    INFO((opened.ok() ? std::string() : opened.error().message));
    REQUIRE(opened.ok());
    engine = *std::move(opened);
  }
  Sync sync() { return Sync(*engine); }
  Revision put(const std::string& key, const std::string& value, uint64_t lease = 0) {
    auto revision = sync().put(key, value, lease);
    INFO((revision.ok() ? std::string() : revision.error().message));
    REQUIRE(revision.ok());
    return *revision;
  }
  std::string value(const std::string& key) {
    const EntryPtr entry = *sync().get(key);
    return entry ? entry->value : "(absent)";
  }
};

Txn txn_of(std::vector<Compare> compares, std::vector<Write> writes, std::vector<Write> otherwise = {}) {
  return {std::move(compares), std::move(writes), std::move(otherwise), 0, 0};
}

std::vector<std::string> keys_of(const RangeReply& reply) {
  std::vector<std::string> keys;
  for (const EntryPtr& entry : reply.entries) keys.push_back(entry->key);
  return keys;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("a transaction that the state refuses has no effect") {
  Fixture fixture;
  const Revision before = fixture.put("a", "1");
  CHECK(fixture.sync().txn(txn_of({}, {Put{"", "x"}})).error().reason == "state.key");
  CHECK(fixture.sync().txn(txn_of({}, {Put{"b", "x", 99}})).error().reason == "state.lease");
  for (size_t each = 0; each <= kMaxTxnKeys; ++each) fixture.put("many/" + std::to_string(each), "x");
  CHECK(fixture.sync().txn(txn_of({}, {Remove{KeyRange::prefix("many/")}})).error().reason == "state.txn-keys");
  CHECK(fixture.engine->revision() == before + kMaxTxnKeys + 1);
  CHECK(fixture.value("b") == "(absent)");
}

TEST_CASE("an entry tells its revisions and its version, also after opening again") {
  Fixture fixture;
  CHECK(fixture.engine->revision() == 1);
  CHECK(fixture.put("a", "1") == 2);
  CHECK(fixture.put("b", "1") == 3);
  CHECK(fixture.put("a", "2") == 4);
  for (int times = 0; times < 2; ++times) {
    const EntryPtr entry = *fixture.sync().get("a");
    REQUIRE(entry);
    CHECK(entry->value == "2");
    CHECK(entry->create_revision == 2);
    CHECK(entry->mod_revision == 4);
    CHECK(entry->version == 2);
    fixture.reopen();
  }
  REQUIRE(fixture.sync().remove(KeyRange::one("a")).ok());
  fixture.put("a", "3");
  const EntryPtr again = *fixture.sync().get("a");
  CHECK(again->create_revision == 6);
  CHECK(again->version == 1);
}

TEST_CASE("compares decide which side of a transaction is done") {
  Fixture fixture;
  const Revision at = fixture.put("a", "m");
  const auto holds = [&](Compare compare) { return fixture.sync().txn(txn_of({std::move(compare)}, {}))->succeeded; };
  using Target = Compare::Target;
  using Operator = Compare::Operator;
  CHECK(holds(Compare::unchanged("a", at)));
  CHECK_FALSE(holds(Compare::unchanged("a", at + 1)));
  CHECK(holds(Compare::absent("b")));
  CHECK_FALSE(holds(Compare::absent("a")));
  CHECK(holds(Compare::exists("a")));
  CHECK(holds({"a", Target::kModRevision, Operator::kLess, at + 1}));
  CHECK(holds({"a", Target::kModRevision, Operator::kNotEqual, 0}));
  CHECK(holds({"a", Target::kVersion, Operator::kEqual, 1}));
  CHECK(holds({"b", Target::kVersion, Operator::kLess, 1}));
  CHECK(holds({"a", Target::kValue, Operator::kEqual, 0, "m"}));
  CHECK(holds({"a", Target::kValue, Operator::kLess, 0, "n"}));
  CHECK(holds({"a", Target::kValue, Operator::kGreater, 0, "l"}));
  CHECK_FALSE(holds({"b", Target::kValue, Operator::kEqual, 0, ""}));
  CHECK_FALSE(holds({"b", Target::kValue, Operator::kNotEqual, 0, "x"}));
  CHECK(fixture.engine->revision() == at);  // none of them changed anything

  const auto reply = *fixture.sync().txn(txn_of({Compare::exists("a"), Compare::exists("b")}, {Put{"won", "1"}},
                                                {Put{"lost", "1"}, Put{"lost too", "1"}}));
  CHECK_FALSE(reply.succeeded);
  CHECK(reply.revision == at + 1);
  CHECK(fixture.value("won") == "(absent)");
  CHECK((*fixture.sync().get("lost"))->mod_revision == (*fixture.sync().get("lost too"))->mod_revision);
}

TEST_CASE("ranges come in pages, at a revision of the past, and not beyond what is kept") {
  Fixture fixture;
  for (const char* key : {"a", "b/1", "b/2", "b/3", "c"}) fixture.put(key, "old");
  const Revision old = fixture.engine->revision();
  fixture.put("b/2", "new");
  REQUIRE(fixture.sync().remove(KeyRange::one("b/1")).ok());
  const auto range = [&](RangeRequest request) { return fixture.sync().range(std::move(request)); };

  CHECK(keys_of(*range({.keys = KeyRange::prefix("b/")})) == Strings{"b/2", "b/3"});
  const auto first = *range({.keys = KeyRange::all(), .limit = 2, .at_revision = old});
  CHECK(keys_of(first) == Strings{"a", "b/1"});
  CHECK(first.more);
  const auto rest =
      *range({.keys = {"b/1" + std::string(1, '\0'), std::string(1, '\0')}, .at_revision = first.revision});
  CHECK(keys_of(rest) == Strings{"b/2", "b/3", "c"});
  CHECK(rest.entries[0]->value == "old");
  CHECK_FALSE(rest.more);

  CHECK(range({.keys = KeyRange::all(), .at_revision = 100}).error().reason == "state.future-revision");
  REQUIRE(fixture.sync().compact(old + 1).ok());
  CHECK(range({.keys = KeyRange::all(), .at_revision = old}).error().reason == "state.compacted");
  CHECK(range({.keys = KeyRange::all(), .at_revision = old}).error().code == Code::kOutOfRange);
  CHECK(keys_of(*range({.keys = KeyRange::prefix("b/"), .at_revision = old + 1})) == Strings{"b/1", "b/2", "b/3"});
  CHECK(fixture.sync().compact(100).error().reason == "state.future-revision");
}

TEST_CASE("a range's reply is bounded by bytes, and removing big keys is not") {
  Fixture fixture;
  const std::string big(500'000, 'x');
  for (int each = 0; each < 20; ++each) fixture.put("big/" + std::to_string(each), big);
  const auto reply = *fixture.sync().range({.keys = KeyRange::all()});
  CHECK(reply.more);
  CHECK(reply.entries.size() == kMaxRangeBytes / (big.size() + 206));
  CHECK(fixture.sync().remove(KeyRange::prefix("big/")).ok());
  CHECK(fixture.sync().range({.keys = KeyRange::all()})->entries.empty());
}

TEST_CASE("compaction frees what only the past could see") {
  Fixture fixture;
  for (int each = 0; each < 100; ++each) fixture.put("a", std::string(1'000, 'x'));
  fixture.put("gone", std::string(1'000, 'x'));
  REQUIRE(fixture.sync().remove(KeyRange::one("gone")).ok());
  CHECK(fixture.engine->status().bytes > 100'000);
  REQUIRE(fixture.sync().compact(fixture.engine->revision()).ok());
  fixture.engine->tick();
  CHECK(fixture.engine->status().bytes < 2'000);
  CHECK(fixture.engine->status().keys == 1);
  CHECK(fixture.value("a").size() == 1'000);
}

TEST_CASE("history beyond the number, the age or the bytes that are kept is compacted by itself") {
  SECTION("number") {
    Fixture fixture([](auto& options) { options.retain_revisions = 32; });
    for (int each = 0; each < 100; ++each) fixture.put("a", "x");
    fixture.engine->tick();
    fixture.put("b", "behind the compaction");
    CHECK(fixture.engine->status().compacted == fixture.engine->revision() - 1 - 32);
  }
  SECTION("age") {
    Fixture fixture([](auto& options) { options.retain_ms = 100'000; });
    const Revision old = fixture.put("a", "x");
    fixture.clock.advance_ms(90'000);
    fixture.put("a", "y");
    fixture.engine->tick();
    CHECK(fixture.engine->status().compacted == 1);
    fixture.clock.advance_ms(20'000);
    fixture.engine->tick();
    fixture.put("b", "behind the compaction");
    CHECK(fixture.engine->status().compacted == old);
  }
  SECTION("bytes") {
    Fixture fixture([](auto& options) {
      options.retain_bytes = 10'000;
      options.retain_revisions = 64;
    });
    for (int each = 0; each < 40; ++each) fixture.put("a", std::string(1'000, 'x'));
    fixture.engine->tick();
    fixture.put("b", "behind the compaction");
    CHECK(fixture.engine->status().compacted > 15);
  }
}

TEST_CASE("a watch from the past gets history, then what is new, each revision once") {
  Fixture fixture;
  sim::WatchRecorder watcher;
  fixture.put("a/1", "1");
  const Revision start = fixture.engine->revision();
  fixture.put("b", "not its own");
  fixture.put("a/1", "2");
  REQUIRE(
      fixture.sync().txn(txn_of({}, {Put{"a/2", "x"}, Put{"c", "not its own"}, Remove{KeyRange::one("a/1")}})).ok());
  fixture.engine->watch({.keys = KeyRange::prefix("a/"), .after_revision = start}, watcher.callbacks());
  REQUIRE(watcher.wait_for_revision(start + 3));
  fixture.put("a/3", "live");
  REQUIRE(watcher.wait_for_batches(3));
  const auto batches = watcher.batches();
  REQUIRE(batches.size() == 3);
  CHECK(batches[0].revision == start + 2);
  CHECK(batches[0].events[0].entry->value == "2");
  CHECK(batches[0].events[0].previous->value == "1");
  REQUIRE(batches[1].events.size() == 2);
  CHECK(batches[1].events[0].key() == "a/2");
  CHECK(batches[1].events[0].previous == nullptr);
  CHECK(batches[1].events[1].removed());
  CHECK(batches[1].events[1].key() == "a/1");
  CHECK(batches[2].revision == start + 4);
  CHECK(watcher.progress().front() == start + 3);
}

TEST_CASE("history for watches is there after opening again, from the log and from a snapshot") {
  Fixture fixture;
  fixture.put("a", "1");
  const Revision start = fixture.engine->revision();
  fixture.put("a", "2");
  REQUIRE(fixture.sync().remove(KeyRange::one("a")).ok());
  for (const bool with_snapshot : {false, true}) {
    if (with_snapshot) REQUIRE(fixture.engine->snapshot().ok());
    fixture.reopen();
    sim::WatchRecorder watcher;
    fixture.engine->watch({.keys = KeyRange::one("a"), .after_revision = start}, watcher.callbacks());
    REQUIRE(watcher.wait_for_batches(2));
    CHECK(watcher.batches()[0].events[0].previous->value == "1");
    CHECK(watcher.batches()[1].events[0].previous->value == "2");
    fixture.engine.reset();
    REQUIRE(watcher.ends().size() == 1);
    CHECK(watcher.ends()[0].reason == "state.stopped");
    fixture.reopen();
  }
}

TEST_CASE("a watch that cannot be served ends with the reason, once") {
  Fixture fixture;
  for (int each = 0; each < 10; ++each) fixture.put("a", "x");
  REQUIRE(fixture.sync().compact(5).ok());
  const auto end_of = [&](Revision after) {
    sim::WatchRecorder watcher;
    fixture.engine->watch({.keys = KeyRange::all(), .after_revision = after}, watcher.callbacks());
    REQUIRE(watcher.wait_for_end());
    CHECK(watcher.batches().empty());
    return watcher.ends().at(0);
  };
  CHECK(end_of(4).reason == "state.compacted");
  CHECK(end_of(4).code == Code::kOutOfRange);
  CHECK(end_of(100).reason == "state.future-revision");
  sim::WatchRecorder fits;
  fixture.engine->watch({.keys = KeyRange::all(), .after_revision = 5}, fits.callbacks());
  REQUIRE(fits.wait_for_batches(6));
  fixture.engine.reset();
}

TEST_CASE("the number of watchers is bounded, and each of them is served") {
  Fixture fixture;
  std::vector<sim::WatchRecorder> watchers(kMaxWatchers);
  sim::WatchRecorder one_more;
  std::vector<WatchId> ids;
  for (size_t each = 0; each < kMaxWatchers; ++each)
    ids.push_back(fixture.engine->watch({.keys = KeyRange::one("key/" + std::to_string(each % 100))},
                                        watchers[each].callbacks()));
  fixture.engine->watch({.keys = KeyRange::all()}, one_more.callbacks());
  REQUIRE(one_more.wait_for_end());
  CHECK(one_more.ends()[0].reason == "state.watchers");
  for (int each = 0; each < 100; ++each) fixture.put("key/" + std::to_string(each), "x");
  for (auto& watcher : watchers) {
    REQUIRE(watcher.wait_for_batches(1));
    CHECK(watcher.batches().size() == 1);
  }
  fixture.engine->unwatch(ids[7]);
  fixture.engine->unwatch(ids[7]);
  REQUIRE(watchers[7].wait_for_end());
  CHECK(watchers[7].ends()[0].code == Code::kCancelled);
  fixture.engine.reset();
  for (auto& watcher : watchers) CHECK(watcher.ends().size() == 1);
}

TEST_CASE("a slow watcher on its own executor keeps nobody waiting, and ends when compaction passes it") {
  Fixture fixture;
  sim::WatchRecorder slow, fast;
  std::mutex mutex;
  std::vector<std::function<void()>> held;
  bool refuse = true;
  const Executor executor = [&](std::function<void()> work) -> Status {
    std::lock_guard lock(mutex);
    if (refuse) return Error{Code::kResourceExhausted, "full"};
    held.push_back(std::move(work));
    return {};
  };
  fixture.engine->watch({.keys = KeyRange::all(), .executor = executor}, slow.callbacks());
  fixture.engine->watch({.keys = KeyRange::all()}, fast.callbacks());
  for (int each = 0; each < 10; ++each) fixture.put("a", "x");
  REQUIRE(fast.wait_for_batches(10));
  REQUIRE(fixture.sync().compact(fixture.engine->revision()).ok());
  CHECK(slow.batches().empty());

  {
    std::lock_guard lock(mutex);
    refuse = false;
  }
  // The hub tries again by itself; from now on a thread runs what it gives.
  std::atomic<bool> stop{false};
  std::thread runner([&] {
    while (!stop) {
      std::vector<std::function<void()>> work;
      {
        std::lock_guard lock(mutex);
        work.swap(held);
      }
      for (auto& each : work) each();
      std::this_thread::yield();
    }
  });
  CHECK(slow.wait_for_end());
  CHECK(slow.ends().at(0).reason == "state.compacted");
  fixture.engine.reset();
  stop = true;
  runner.join();
}

TEST_CASE("idle watchers are told how far the state is") {
  Fixture fixture;
  sim::WatchRecorder watcher;
  fixture.engine->watch({.keys = KeyRange::one("never")}, watcher.callbacks());
  REQUIRE(watcher.wait_for_revision(1));
  const Revision last = fixture.put("other", "x");
  for (int times = 0; times < 1'000 && watcher.reached() < last; ++times) {
    fixture.clock.advance_ms(fixture.options.progress_ms);
    fixture.engine->tick();
    watcher.wait_for_revision(last, std::chrono::milliseconds(10));
  }
  CHECK(watcher.reached() == last);
  CHECK(watcher.batches().empty());
  fixture.engine.reset();
}

TEST_CASE("a lease that is not kept ends, and takes its keys along in one revision") {
  Fixture fixture;
  const Lease kept = *fixture.sync().grant_lease(1'000);
  const Lease lost = *fixture.sync().grant_lease(1'000);
  CHECK(fixture.sync().grant_lease(1).error().reason == "state.lease-ttl");
  fixture.put("kept", "x", kept.id);
  fixture.put("lost/1", "x", lost.id);
  fixture.put("lost/2", "x", lost.id);
  fixture.put("moved", "x", lost.id);
  fixture.put("moved", "x", kept.id);
  fixture.put("freed", "x", lost.id);
  const Revision before = fixture.put("freed", "x");
  fixture.clock.advance_ms(900);
  CHECK(fixture.sync().keep_lease(kept.id)->ttl_ms == 1'000);
  fixture.clock.advance_ms(200);
  CHECK(fixture.sync().keep_lease(lost.id).error().reason == "state.lease");
  fixture.engine->tick();
  const Revision after = fixture.put("z", "behind the end of the lease");
  CHECK(after == before + 2);
  CHECK(keys_of(*fixture.sync().range({.keys = KeyRange::all()})) == Strings{"freed", "kept", "moved", "z"});
  CHECK(fixture.engine->status().leases == 1);
  REQUIRE(fixture.sync().revoke_lease(kept.id).ok());
  CHECK(fixture.sync().revoke_lease(kept.id).error().reason == "state.lease");
  CHECK(keys_of(*fixture.sync().range({.keys = KeyRange::all()})) == Strings{"freed", "z"});
}

TEST_CASE("leases live on after opening again, with their whole time, from the log and from a snapshot") {
  Fixture fixture;
  const Lease lease = *fixture.sync().grant_lease(1'000);
  fixture.put("a", "x", lease.id);
  for (const bool with_snapshot : {false, true}) {
    if (with_snapshot) REQUIRE(fixture.engine->snapshot().ok());
    fixture.clock.advance_ms(900);
    fixture.reopen();
    fixture.clock.advance_ms(900);
    fixture.engine->tick();
    fixture.put("b", "x");
    CHECK(fixture.value("a") == "x");
  }
  fixture.clock.advance_ms(200);
  fixture.engine->tick();
  fixture.put("b", "x");
  CHECK(fixture.value("a") == "(absent)");
}

TEST_CASE("leases and their keys are bounded") {
  Fixture fixture;
  const Lease lease = *fixture.sync().grant_lease(10'000);
  Txn txn;
  for (size_t each = 0; each < kMaxLeaseKeys; ++each) {
    txn.writes.push_back(Put{"k" + std::to_string(each), "", lease.id});
    if (txn.writes.size() < kMaxTxnKeys) continue;
    REQUIRE(fixture.sync().txn(txn).ok());
    txn.writes.clear();
  }
  CHECK(fixture.sync().put("one more", "", lease.id).error().reason == "state.lease-keys");
  CHECK(fixture.sync().put("k0", "again", lease.id).ok());
  for (size_t each = 1; each < kMaxLeases; ++each) REQUIRE(fixture.sync().grant_lease(10'000).ok());
  CHECK(fixture.sync().grant_lease(10'000).error().reason == "state.leases");
  REQUIRE(fixture.sync().revoke_lease(lease.id).ok());
  CHECK(fixture.engine->status().keys == 0);
}

TEST_CASE("a transaction that a session repeats has one effect and one reply, also after opening again") {
  Fixture fixture;
  const uint64_t session = *fixture.sync().open_session();
  Txn txn = txn_of({Compare::absent("a")}, {Put{"a", "1"}});
  txn.session = session;
  txn.sequence = 1;
  const TxnReply first = *fixture.sync().txn(txn);
  CHECK(first.succeeded);
  fixture.put("b", "x");
  for (int times = 0; times < 3; ++times) {
    const TxnReply again = *fixture.sync().txn(txn);
    CHECK(again.succeeded);
    CHECK(again.revision == first.revision);
    if (times == 1) REQUIRE(fixture.engine->snapshot().ok());
    fixture.reopen();
  }
  CHECK((*fixture.sync().get("a"))->version == 1);
  txn.sequence = 2;
  CHECK_FALSE(fixture.sync().txn(txn)->succeeded);
}

TEST_CASE("a session that is unknown, and a sequence that is too old, are refused") {
  Fixture fixture;
  Txn txn = txn_of({}, {Put{"a", "1"}});
  txn.session = 1'000;
  txn.sequence = 1;
  CHECK(fixture.sync().txn(txn).error().reason == "state.session");
  txn.session = *fixture.sync().open_session();
  for (txn.sequence = 2; txn.sequence <= kSessionReplies + 2; ++txn.sequence) REQUIRE(fixture.sync().txn(txn).ok());
  txn.sequence = 2;
  CHECK(fixture.sync().txn(txn).error().reason == "state.sequence");
  txn.sequence = 1;
  CHECK(fixture.sync().txn(txn).error().reason == "state.sequence");
  txn.sequence = 3;
  CHECK(fixture.sync().txn(txn).ok());
  for (size_t each = 0; each < kMaxSessions; ++each) REQUIRE(fixture.sync().open_session().ok());
  CHECK(fixture.sync().txn(txn).error().reason == "state.session");
}

TEST_CASE("a second engine on the folder is refused, and so is a folder of another format") {
  Fixture fixture;
  CHECK(OneNode::open(fixture.disk, fixture.clock, fixture.options).error().reason == "state.locked");
  fixture.engine.reset();
  fixture.disk.write("data/format", "novacron-state 2\n");
  auto newer = OneNode::open(fixture.disk, fixture.clock, fixture.options);
  CHECK(newer.error().reason == "state.format");
  CHECK(newer.code() == Code::kFailedPrecondition);
  REQUIRE(fixture.disk.remove("data/format").ok());
  CHECK(OneNode::open(fixture.disk, fixture.clock, fixture.options).code() == Code::kDataLoss);
}

TEST_CASE("a damaged snapshot is refused wherever the damage is") {
  Fixture fixture;
  const Lease lease = *fixture.sync().grant_lease(1'000);
  for (int each = 0; each < 5; ++each) fixture.put("k" + std::to_string(each % 3), "value", lease.id);
  REQUIRE(fixture.sync().open_session().ok());
  REQUIRE(fixture.sync().compact(4).ok());
  REQUIRE(fixture.engine->snapshot().ok());
  fixture.engine.reset();
  std::string path;
  for (const std::string& each : fixture.disk.paths())
    if (each.starts_with("data/snapshot-")) path = each;
  const std::string intact = fixture.disk.read(path);
  for (size_t byte = 0; byte < intact.size(); ++byte) {
    INFO("byte " << byte);
    std::string damaged = intact;
    damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << (byte % 8)));
    fixture.disk.write(path, damaged);
    REQUIRE(OneNode::open(fixture.disk, fixture.clock, fixture.options).error().reason == "state.snapshot-damaged");
    fixture.disk.write(path, intact.substr(0, byte));
    REQUIRE(OneNode::open(fixture.disk, fixture.clock, fixture.options).error().reason == "state.snapshot-damaged");
  }
  fixture.disk.write(path, intact);
  fixture.reopen();
  CHECK(fixture.engine->status().keys == 3);
}

TEST_CASE("snapshots while writing: what is read back is what was written, and the log becomes short") {
  Fixture fixture([](auto& options) { options.snapshot_after_bytes = 50'000; });
  std::atomic<bool> stop{false};
  std::thread ticker([&] {
    while (!stop) fixture.engine->tick();
  });
  std::map<std::string, std::string> model;
  for (int each = 0; each < 3'000; ++each) {
    const std::string key = "k" + std::to_string(each % 50);
    model[key] = std::to_string(each) + std::string(100, 'x');
    fixture.put(key, model[key]);
  }
  stop = true;
  ticker.join();
  REQUIRE(fixture.engine->snapshot().ok());
  const Revision revision = fixture.engine->revision();
  fixture.reopen();
  CHECK(fixture.engine->revision() == revision);
  for (const auto& [key, value] : model) CHECK(fixture.value(key) == value);
  size_t snapshots = 0;
  size_t segments = 0;
  for (const std::string& path : fixture.disk.paths()) {
    snapshots += path.starts_with("data/snapshot-") ? 1 : 0;
    segments += path.starts_with("data/log-") ? 1 : 0;
  }
  CHECK(snapshots == 1);
  CHECK(segments <= 3);  // of about ten that were written
}

TEST_CASE("on a full disk the state is read-only with an alarm, and recovers by itself") {
  Fixture fixture;
  fixture.put("a", "1");
  const Lease lease = *fixture.sync().grant_lease(1'000);
  fixture.put("leased", "x", lease.id);
  fixture.disk.set_capacity(0);
  Status refused;
  for (int each = 0; each < 10'000 && refused.ok(); ++each) {
    auto put = fixture.sync().put("filler", std::string(5'000, 'x'));
    if (!put.ok()) refused = put.error();
  }
  REQUIRE(refused.code() == Code::kResourceExhausted);
  CHECK(refused.error().reason == "state.disk-full");
  CHECK(refused.error().retry_after_ns > 0);
  CHECK_FALSE(fixture.engine->status().writable);
  CHECK(fixture.value("a") == "1");
  fixture.clock.advance_ms(2'000);
  fixture.engine->tick();
  REQUIRE(fixture.sync().compact(fixture.engine->revision()).error().reason == "state.disk-full");
  // What the engine itself must write still fits.
  for (int times = 0; times < 100'000 && fixture.value("leased") != "(absent)"; ++times) std::this_thread::yield();
  CHECK(fixture.value("leased") == "(absent)");

  fixture.disk.set_capacity(UINT64_MAX);
  for (int times = 0; times < 10'000 && !fixture.engine->status().writable; ++times) {
    fixture.engine->tick();
    std::this_thread::yield();
  }
  REQUIRE(fixture.engine->status().writable);
  fixture.put("a", "2");
  fixture.reopen();
  CHECK(fixture.value("a") == "2");
}

TEST_CASE("a failed sync is fatal: it is said once, and no change is taken any more") {
  std::vector<Error> fatal;
  Fixture fixture([&](auto& options) { options.on_fatal = [&](const Error& error) { fatal.push_back(error); }; });
  fixture.put("a", "1");
  fixture.disk.fail_next_sync();
  auto put = fixture.sync().put("a", "2");
  CHECK(put.code() == Code::kUnavailable);
  CHECK(put.error().reason == "state.failed");
  CHECK(fixture.sync().put("a", "3").error().reason == "state.failed");
  CHECK(fixture.value("a") == "1");
  fixture.engine.reset();
  CHECK(fatal.size() == 1);
}

TEST_CASE("a state that has reached its size takes no puts, but can be made smaller") {
  Fixture fixture([](auto& options) { options.max_bytes = 10'000; });
  Status refused;
  for (int each = 0; each < 100 && refused.ok(); ++each) {
    auto put = fixture.sync().put("k" + std::to_string(each), std::string(1'000, 'x'));
    if (!put.ok()) refused = put.error();
  }
  CHECK(refused.error().reason == "state.full");
  REQUIRE(fixture.sync().remove(KeyRange::prefix("k")).ok());
  REQUIRE(fixture.sync().compact(fixture.engine->revision()).ok());
  fixture.engine->tick();
  CHECK(fixture.sync().put("k", "x").ok());
}

TEST_CASE("what was proposed before the end is done; what comes later is told so") {
  Fixture fixture;
  std::atomic<int> done{0};
  for (int each = 0; each < 500; ++each)
    fixture.engine->txn(txn_of({}, {Put{"k" + std::to_string(each), "x"}}), [&](Result<TxnReply> reply) {
      if (reply.ok()) ++done;
    });
  fixture.engine.reset();
  CHECK(done == 500);
  fixture.reopen();
  CHECK(fixture.engine->status().keys == 500);
}

TEST_CASE("the engine works on a real disk, and is locked there too") {
  std::string folder = std::filesystem::temp_directory_path() / "state_test.XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const OneNode::Options options{.folder = folder + "/deep/data", .segment_bytes = 64 * 1'024};
  {
    auto engine = OneNode::open(posix_files(), system_clock(), options);
    REQUIRE(engine.ok());
    auto second = OneNode::open(posix_files(), system_clock(), options);
    CHECK(second.error().reason == "state.locked");
    CHECK(second.error().message.find(std::to_string(::getpid())) != std::string::npos);
    for (int each = 0; each < 500; ++each)
      REQUIRE(Sync(**engine).put("k" + std::to_string(each), std::string(500, 'x')).ok());
    REQUIRE((*engine)->snapshot().ok());
    REQUIRE(Sync(**engine).put("last", "x").ok());
  }
  {
    auto engine = OneNode::open(posix_files(), system_clock(), options);
    REQUIRE(engine.ok());
    CHECK((*engine)->status().keys == 501);
    CHECK((*engine)->revision() == 502);
  }
  std::filesystem::remove_all(folder);
}
