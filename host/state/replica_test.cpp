// Keys, transactions, history, leases, sessions.
#include "tests/sim/state_fixture.h"

using namespace novacron::host;
using namespace novacron::host::state;
using Fixture = sim::EngineFixture;
using sim::keys_of;
using sim::txn_of;
using Strings = std::vector<std::string>;

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
