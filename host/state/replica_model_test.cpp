// Random histories of the engine against a model that keeps a copy of the whole state for each revision. In between the
// engine is closed, killed, snapshotted and compacted; watchers go on where they were.
#include <deque>
#include <random>

#include "tests/sim/state_fixture.h"

using namespace novacron::host;
using namespace novacron::host::state;

namespace {

using Keys = std::map<std::string, Entry>;

/// As the engine's contract says, in the plainest way.
class Model {
 public:
  Revision revision() const { return states_.size(); }
  const Keys& at(Revision revision) const { return states_[revision - 1]; }
  const Keys& now() const { return states_.back(); }

  bool holds(const Compare& compare) const {
    const auto found = now().find(compare.key);
    const bool there = found != now().end();
    if (compare.target == Compare::Target::kValue) return there && test(found->second.value, compare.op, compare.value);
    uint64_t number = 0;
    if (there)
      number = compare.target == Compare::Target::kVersion ? found->second.version : found->second.mod_revision;
    return test(number, compare.op, compare.number);
  }

  TxnReply txn(const Txn& txn) {
    bool succeeded = true;
    for (const Compare& compare : txn.compares) succeeded = succeeded && holds(compare);
    Keys next = now();
    bool changed = false;
    for (const Write& write : succeeded ? txn.writes : txn.otherwise) {
      if (const auto* put = std::get_if<Put>(&write)) {
        Entry& entry = next[put->key];
        if (entry.version == 0) entry.create_revision = revision() + 1;
        entry = {put->key, put->value, entry.create_revision, revision() + 1, entry.version + 1, put->lease};
        changed = true;
      } else {
        const auto& keys = std::get<Remove>(write).keys;
        changed |= std::erase_if(next, [&](const auto& each) { return keys.contains(each.first); }) > 0;
      }
    }
    if (changed) states_.push_back(std::move(next));
    return {succeeded, revision()};
  }

  void end_lease(uint64_t lease) {
    Keys next = now();
    if (std::erase_if(next, [&](const auto& each) { return each.second.lease == lease; }) > 0)
      states_.push_back(std::move(next));
  }

 private:
  template <class Value>
  static bool test(const Value& left, Compare::Operator op, const Value& right) {
    if (op == Compare::Operator::kEqual) return left == right;
    if (op == Compare::Operator::kNotEqual) return left != right;
    return op == Compare::Operator::kLess ? left < right : left > right;
  }

  std::vector<Keys> states_{Keys()};
};

bool same(const Entry& left, const Entry& right) {
  return left.key == right.key && left.value == right.value && left.create_revision == right.create_revision &&
         left.mod_revision == right.mod_revision && left.version == right.version && left.lease == right.lease;
}

/// A client that watches a range for ever: when its watch ends, it goes on behind the last revision that it knows.
class Follower {
 public:
  Follower(KeyRange keys, Revision start) : keys_(std::move(keys)), seen_(start) {}

  void connect(Engine& engine) {
    recorders_.push_back(std::make_unique<sim::WatchRecorder>());
    connected_ = true;
    checked_ = 0;
    engine.watch({.keys = keys_, .after_revision = seen_}, recorders_.back()->callbacks());
  }
  bool connected() const { return connected_; }
  void disconnect() { connected_ = false; }
  /// The watch has told of `revision`, or has ended.
  bool reached(Revision revision) const {
    return !connected_ || recorders_.back()->wait_for_revision(revision, std::chrono::milliseconds(10)) ||
           !recorders_.back()->ends().empty();
  }

  /// Everything it got up to here is what the model says, and nothing is missing.
  void check(const Model& model) {
    if (!connected_) return;
    const auto batches = recorders_.back()->batches();
    for (; checked_ < batches.size(); ++checked_) {
      const auto& batch = batches[checked_];
      REQUIRE(batch.revision > seen_);
      check_silence(model, batch.revision);
      check_batch(model, batch);
      seen_ = batch.revision;
    }
    if (recorders_.back()->ends().empty()) {
      check_silence(model, model.revision() + 1);
    } else {
      REQUIRE(recorders_.back()->ends()[0].reason == "state.compacted");
      disconnect();
    }
    seen_ = model.revision();  // by progress, or because it would read the range anew
  }

 private:
  /// Between what it has seen and `revision` nothing of its own changed.
  void check_silence(const Model& model, Revision revision) {
    for (Revision at = seen_ + 1; at < revision; ++at) {
      INFO("missed revision " << at);
      REQUIRE(changes(model, at).empty());
    }
  }

  std::map<std::string, const Entry*> changes(const Model& model, Revision at) const {
    std::map<std::string, const Entry*> changed;
    for (const auto& [key, entry] : model.at(at))
      if (keys_.contains(key) && entry.mod_revision == at) changed[key] = &entry;
    for (const auto& [key, entry] : model.at(at - 1))
      if (keys_.contains(key) && model.at(at).count(key) == 0) changed[key] = nullptr;
    return changed;
  }

  void check_batch(const Model& model, const sim::WatchRecorder::Batch& batch) const {
    const auto expected = changes(model, batch.revision);
    REQUIRE(batch.events.size() == expected.size());
    for (const Event& event : batch.events) {
      const Entry* entry = expected.at(event.key());
      REQUIRE(event.removed() == (entry == nullptr));
      if (entry != nullptr) REQUIRE(same(*event.entry, *entry));
      const auto before = model.at(batch.revision - 1).find(event.key());
      REQUIRE((event.previous != nullptr) == (before != model.at(batch.revision - 1).end()));
      if (event.previous) REQUIRE(same(*event.previous, before->second));
    }
  }

  const KeyRange keys_;
  Revision seen_;
  bool connected_ = false;
  size_t checked_ = 0;  ///< batches of the current watch
  std::vector<std::unique_ptr<sim::WatchRecorder>>
      recorders_;  ///< of all watches: they may be called until the engine is gone
};

class Run {
 public:
  explicit Run(uint64_t seed) : random_(seed) {
    options_.snapshot_after_bytes = 2'000 + random_() % 20'000;
    options_.retain_revisions = 20 + random_() % 200;
    open();
    followers_.emplace_back(KeyRange::all(), 1);
    followers_.emplace_back(KeyRange::prefix("k1"), 1);
    followers_.emplace_back(KeyRange::one("k2"), 1);
    followers_.emplace_back(KeyRange{"k2", "k4"}, 1);
  }

  void go(size_t steps) {
    for (size_t step = 0; step < steps; ++step) {
      INFO("step " << step);
      this->step();
    }
    check_followers();
    engine_.reset();
  }

 private:
  void open() {
    auto opened = Replica::open(disk_, clock_, options_);
    INFO((opened.ok() ? std::string() : opened.error().message));
    REQUIRE(opened.ok());
    engine_ = *std::move(opened);
    REQUIRE(engine_->revision() == model_.revision());
  }

  void step() {
    switch (random_() % 40) {
      case 0:
        return reopen();
      case 1:
        REQUIRE(engine_->snapshot().ok());
        return;
      case 2:
        return compact();
      case 3:
      case 4:
        return connect();
      case 5:
        return grant();
      case 6:
        return end_lease();
      case 7:
        return tick();
      case 8:
        return check_followers();
      case 9:
      case 10:
      case 11:
      case 12:
        return range();
      default:
        return txn();
    }
  }

  /// Closed, or with its power cut: all was acknowledged, so that both must come to the same.
  void reopen() {
    check_followers();
    for (Follower& follower : followers_) follower.disconnect();
    const bool crash = random_() % 2 == 0;
    if (crash) disk_.cut_power_after(0);
    engine_.reset();
    if (crash) disk_.crash(random_);
    open();
    check_all(model_.revision());
  }

  void connect() {
    for (Follower& follower : followers_)
      if (!follower.connected() && random_() % 2 == 0) follower.connect(*engine_);
  }

  void check_followers() {
    for (Follower& follower : followers_) {
      for (int times = 0; times < 1'000 && !follower.reached(model_.revision()); ++times) {
        clock_.advance_ms(options_.progress_ms);
        tick();
      }
      REQUIRE(follower.reached(model_.revision()));
      follower.check(model_);
    }
  }

  /// What a tick starts goes through the log: an entry behind it tells when it is done.
  void tick() {
    engine_->tick();
    REQUIRE(sync().compact(1).ok());
  }

  void grant() {
    const auto lease = sync().grant_lease(kMaxLeaseTtlMs);
    REQUIRE(lease.ok());
    leases_.push_back(lease->id);
  }

  void end_lease() {
    if (leases_.empty()) return;
    const size_t which = random_() % leases_.size();
    REQUIRE(sync().revoke_lease(leases_[which]).ok());
    model_.end_lease(leases_[which]);
    leases_.erase(leases_.begin() + static_cast<ptrdiff_t>(which));
    REQUIRE(engine_->revision() == model_.revision());
  }

  void compact() {
    const Revision revision = 1 + random_() % model_.revision();
    REQUIRE(sync().compact(revision).ok());
    REQUIRE(engine_->status().compacted >= revision);
  }

  std::string key() { return "k" + std::to_string(random_() % 25); }
  uint64_t lease() { return leases_.empty() || random_() % 4 != 0 ? 0 : leases_[random_() % leases_.size()]; }

  Compare compare() {
    const auto op = static_cast<Compare::Operator>(random_() % 4);
    switch (random_() % 3) {
      case 0:
        return {key(), Compare::Target::kModRevision, op, random_() % (model_.revision() + 1)};
      case 1:
        return {key(), Compare::Target::kVersion, op, random_() % 4};
      default:
        return {key(), Compare::Target::kValue, op, 0, std::to_string(random_() % 5)};
    }
  }

  std::vector<Write> writes() {
    std::map<std::string, Write> by_key;
    for (size_t left = random_() % 4; left > 0; --left) {
      const std::string name = key();
      if (random_() % 4 != 0)
        by_key[name] = Put{name, std::to_string(random_() % 5), lease()};
      else
        by_key[name] = Remove{KeyRange::one(name)};
    }
    if (by_key.empty() && random_() % 3 == 0) return {Remove{{key(), key()}}};
    std::vector<Write> writes;
    for (auto& [name, write] : by_key) writes.push_back(std::move(write));
    return writes;
  }

  void txn() {
    Txn txn;
    for (size_t left = random_() % 3; left > 0; --left) txn.compares.push_back(compare());
    txn.writes = writes();
    txn.otherwise = writes();
    const auto reply = sync().txn(txn);
    REQUIRE(reply.ok());
    const TxnReply expected = model_.txn(txn);
    REQUIRE(reply->succeeded == expected.succeeded);
    REQUIRE(reply->revision == expected.revision);
  }

  void range() {
    const Revision at = random_() % 3 == 0 ? model_.revision() : 1 + random_() % model_.revision();
    if (at >= engine_->status().compacted) return check_all(at);
    const auto refused = sync().range({.keys = KeyRange::all(), .at_revision = at});
    REQUIRE(refused.error().reason == "state.compacted");
  }

  void check_all(Revision at) {
    if (at < engine_->status().compacted) return;
    const KeyRange keys = random_() % 2 == 0 ? KeyRange::all() : KeyRange{key(), key()};
    const auto reply = sync().range({.keys = keys, .at_revision = at});
    REQUIRE(reply.ok());
    auto entry = reply->entries.begin();
    for (const auto& [key, expected] : model_.at(at)) {
      if (!keys.contains(key)) continue;
      REQUIRE(entry != reply->entries.end());
      REQUIRE(same(**entry++, expected));
    }
    REQUIRE(entry == reply->entries.end());
  }

  Sync sync() { return Sync(*engine_); }

  std::mt19937_64 random_;
  sim::Disk disk_;
  sim::ManualClock clock_;
  Replica::Options options_{.folder = "data", .segment_bytes = 8'192, .tick_ms = 0};
  Model model_;
  std::deque<Follower> followers_;  // outlive the engine
  std::vector<uint64_t> leases_;
  std::unique_ptr<Replica> engine_;
};

}  // namespace

TEST_CASE("random histories: the engine and the model agree, and no watcher misses or repeats anything") {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    INFO("seed " << seed);
    Run(seed).go(400);
  }
}

namespace {

/// Puts in flight when the power goes, over and over, with snapshots and compactions beside them.
class PowerCuts {
 public:
  explicit PowerCuts(uint64_t seed) : random_(seed) {}

  void run(size_t cuts) {
    for (size_t cut = 0; cut < cuts; ++cut) {
      disk_.cut_power_after(1 + random_() % 120);
      auto engine = Replica::open(disk_, clock_, options_);
      if (engine.ok()) {
        check(**engine);
        work(**engine);
        engine->reset();
      } else {
        REQUIRE_FALSE(disk_.has_power());
      }
      disk_.crash(random_);
    }
    check(**Replica::open(disk_, clock_, options_));
  }

 private:
  /// Each counter is where it was acknowledged to be, or behind that by changes whose outcome nobody was told.
  void check(Replica& engine) {
    for (auto& [key, known] : counters_) {
      const EntryPtr entry = *Sync(engine).get(key);
      const uint64_t found = entry ? std::stoull(entry->value) : 0;
      REQUIRE(found >= known.acknowledged);
      REQUIRE(found <= known.proposed);
      if (entry) REQUIRE(entry->version == found);
      known = {found, found};
    }
  }

  void work(Replica& engine) {
    for (size_t left = 200; left > 0 && disk_.has_power(); --left) {
      if (random_() % 20 == 0) (void)engine.snapshot();
      if (random_() % 20 == 0) engine.compact(engine.revision(), [](const Status&) {});
      if (random_() % 20 == 0) engine.tick();
      count(engine, "counter/" + std::to_string(random_() % 5));
    }
  }

  /// Several are under way at once; each needs the one before it.
  void count(Replica& engine, const std::string& key) {
    Counter& counter = counters_[key];
    const uint64_t next = ++counter.proposed;
    Txn txn;
    txn.compares.push_back({key, Compare::Target::kVersion, Compare::Operator::kEqual, next - 1});
    txn.writes.push_back(Put{key, std::to_string(next)});
    engine.txn(std::move(txn), [this, &counter, next](Result<TxnReply> reply) {
      std::lock_guard lock(mutex_);
      if (reply.ok() && reply->succeeded) counter.acknowledged = std::max(counter.acknowledged, next);
    });
  }

  struct Counter {
    uint64_t acknowledged = 0;
    uint64_t proposed = 0;
  };
  std::mt19937_64 random_;
  sim::Disk disk_;
  sim::ManualClock clock_;
  const Replica::Options options_{.folder = "data", .segment_bytes = 4'096, .retain_revisions = 16, .tick_ms = 0};
  std::map<std::string, Counter> counters_;
  std::mutex mutex_;
};

}  // namespace

TEST_CASE("the power goes while changes, snapshots and compactions are under way: nothing acknowledged is lost") {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    INFO("seed " << seed);
    PowerCuts(seed).run(20);
  }
}
