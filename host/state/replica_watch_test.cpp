// Watchers.
#include "tests/sim/state_fixture.h"

#include <thread>

using namespace novacron::host;
using namespace novacron::host::state;
using Fixture = sim::EngineFixture;
using sim::txn_of;

TEST_CASE("a watch from the past gets history, then what is new, each revision once") {
  sim::WatchRecorder watcher;  // outlives the engine, whose end it is told of
  Fixture fixture;
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

namespace {

/// Refuses work until it is opened; then a thread of its own runs it.
class Gate {
 public:
  ~Gate() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  Executor executor() {
    return [this](std::function<void()> work) -> Status {
      std::lock_guard lock(mutex_);
      if (!thread_.joinable()) return Error{Code::kResourceExhausted, "full"};
      held_.push_back(std::move(work));
      return {};
    };
  }
  void open() {
    std::lock_guard lock(mutex_);
    thread_ = std::thread([this] {
      while (!stop_) run();
    });
  }

 private:
  void run() {
    std::vector<std::function<void()>> work;
    {
      std::lock_guard lock(mutex_);
      work.swap(held_);
    }
    for (auto& each : work) each();
    std::this_thread::yield();
  }

  std::mutex mutex_;
  std::vector<std::function<void()>> held_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace

TEST_CASE("a slow watcher on its own executor keeps nobody waiting, and ends when compaction passes it") {
  Gate gate;
  Fixture fixture;
  sim::WatchRecorder slow, fast;
  fixture.engine->watch({.keys = KeyRange::all(), .executor = gate.executor()}, slow.callbacks());
  fixture.engine->watch({.keys = KeyRange::all()}, fast.callbacks());
  for (int each = 0; each < 10; ++each) fixture.put("a", "x");
  REQUIRE(fast.wait_for_batches(10));
  REQUIRE(fixture.sync().compact(fixture.engine->revision()).ok());
  CHECK(slow.batches().empty());
  gate.open();  // the engine tries again by itself
  CHECK(slow.wait_for_end());
  CHECK(slow.ends().at(0).reason == "state.compacted");
  fixture.engine.reset();
}

TEST_CASE("idle watchers are told how far the state is") {
  sim::WatchRecorder watcher;  // outlives the engine, whose end it is told of
  Fixture fixture;
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
