// What tests of the state engine share: a clock that they move, a watcher that remembers, an engine on a disk in
// memory.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/base/clock.h"
#include "host/state/replica.h"
#include "host/state/sync.h"
#include "tests/sim/state_disk.h"

#include <catch2/catch.hpp>

namespace novacron::host::state::sim {

class ManualClock final : public Clock {
 public:
  uint64_t monotonic_ns() const override { return now_; }
  uint64_t real_ns() const override { return now_; }
  void advance_ms(uint64_t ms) { now_ += ms * 1'000'000; }

 private:
  std::atomic<uint64_t> now_{1'000'000'000};
};

/// Outlives the engine that it watches.
class WatchRecorder {
 public:
  struct Batch {
    Revision revision;
    std::vector<Event> events;
  };

  WatchCallbacks callbacks() {
    return {.on_changes =
                [this](Revision revision, const std::vector<Event>& events) {
                  std::lock_guard lock(mutex_);
                  batches_.push_back({revision, events});
                  reached_ = std::max(reached_, revision);
                  changed_.notify_all();
                },
            .on_progress =
                [this](Revision revision) {
                  std::lock_guard lock(mutex_);
                  progress_.push_back(revision);
                  reached_ = std::max(reached_, revision);
                  changed_.notify_all();
                },
            .on_end =
                [this](Error why) {
                  std::lock_guard lock(mutex_);
                  ends_.push_back(std::move(why));
                  changed_.notify_all();
                }};
  }

  bool wait_for_batches(size_t count) {
    return wait([&] { return batches_.size() >= count; });
  }
  bool wait_for_end() {
    return wait([&] { return !ends_.empty(); });
  }
  bool wait_for_revision(Revision revision, std::chrono::milliseconds patience = std::chrono::seconds(10)) {
    return wait([&] { return reached_ >= revision || !ends_.empty(); }, patience) && reached() >= revision;
  }

  std::vector<Batch> batches() const {
    std::lock_guard lock(mutex_);
    return batches_;
  }
  std::vector<Revision> progress() const {
    std::lock_guard lock(mutex_);
    return progress_;
  }
  std::vector<Error> ends() const {
    std::lock_guard lock(mutex_);
    return ends_;
  }
  Revision reached() const {
    std::lock_guard lock(mutex_);
    return reached_;
  }

 private:
  template <class Done>
  bool wait(Done done, std::chrono::milliseconds patience = std::chrono::seconds(10)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, done);
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Batch> batches_;
  std::vector<Revision> progress_;
  std::vector<Error> ends_;
  Revision reached_ = 0;
};

/// An engine on a disk in memory, whose time is the test's.
struct EngineFixture {
  Disk disk;
  ManualClock clock;
  Replica::Options options{.folder = "data", .segment_bytes = 64 * 1'024, .tick_ms = 0};
  std::unique_ptr<Replica> engine;

  EngineFixture() { reopen(); }
  explicit EngineFixture(const std::function<void(Replica::Options&)>& change) {
    change(options);
    reopen();
  }
  void reopen() {
    engine.reset();
    auto opened = Replica::open(disk, clock, options);
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

inline Txn txn_of(std::vector<Compare> compares, std::vector<Write> writes, std::vector<Write> otherwise = {}) {
  return {std::move(compares), std::move(writes), std::move(otherwise), 0, 0};
}

inline std::vector<std::string> keys_of(const RangeReply& reply) {
  std::vector<std::string> keys;
  for (const EntryPtr& entry : reply.entries) keys.push_back(entry->key);
  return keys;
}

}  // namespace novacron::host::state::sim
