// What tests of the state engine share: a clock that they move, and a watcher that remembers.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/base/clock.h"
#include "host/state/engine.h"

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

}  // namespace novacron::host::state::sim
