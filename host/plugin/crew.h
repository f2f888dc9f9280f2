// The workers of one plugin, and its slot: the right to be the one thread inside a plugin that is not reentrant.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "host/base/result.h"
#include "host/base/spin.h"
#include "host/base/timer_queue.h"
#include "host/base/worker_pool.h"

namespace novacron::host::plugin {

/// [any] thread, except take_slot(). Work that needs the slot runs one at a time, the rest beside it, all on at most
/// `max_running` threads. Callbacks come before calls, so that work under way ends before new work begins.
class Crew final : public std::enable_shared_from_this<Crew> {
 public:
  using Work = std::function<void()>;
  enum class Need { kSlot, kNothing };
  enum class Slot { kFree, kTaken };
  struct Options {
    std::string name;
    size_t max_running = 16;
    size_t max_blocked = 48;  ///< workers that wait for a call do not count as running, up to this many
    size_t max_queued_calls = 1'024;
    bool reentrant = false;  ///< nothing needs the slot
    Slot slot = Slot::kFree;
  };

  /// Pool and timers outlive it, unless it is closed before they go.
  Crew(WorkerPool& pool, TimerQueue& timers, const Clock& clock, Options options);

  /// RESOURCE_EXHAUSTED "plugin.queue-full"; UNAVAILABLE "plugin.stopping" when closed.
  Status post_call(Need need, Work work);
  /// Always taken, bounded by what the plugin may have outstanding. False: closed, so it never runs.
  bool post_callback(Work work);

  /// Takes the slot if it is free and nothing waits for it; then give_slot() must follow.
  bool try_take_slot();
  /// Waits for the slot, before all queued work. False: not by then.
  bool take_slot(uint64_t until_ns);
  void give_slot();

  /// One of its workers waits for a call meanwhile, so that another may take its place: the answer may need one.
  class Blocked final {
   public:
    explicit Blocked(Crew* crew);
    ~Blocked();
    Blocked(const Blocked&) = delete;
    Blocked& operator=(const Blocked&) = delete;

   private:
    Crew* const crew_;  ///< may be null
  };

  /// Of those who wait for its answers.
  Spin& spin() { return spin_; }

  /// Takes nothing any more and drops the queued calls. What runs goes on. The callbacks that did not run.
  std::deque<Work> close();

  bool reentrant() const { return options_.reentrant; }
  size_t queued_calls() const;
  /// Threads that are at its work now.
  size_t workers() const;

 private:
  /// The next work that may run now, with the slot taken if it needs it.
  bool pick(Work& work, bool& with_slot);
  /// With the lock held; `wake` ends after it is released.
  void start_workers(WorkerPool::Wake& wake);
  void retry_later();
  void worker_main();
  size_t max_workers() const { return options_.max_running + std::min(blocked_, options_.max_blocked); }
  size_t runnable() const;
  bool slot_for_workers() const { return !slot_taken_ && control_waits_ == 0; }

  WorkerPool& pool_;
  TimerQueue& timers_;
  const Clock& clock_;
  const Options options_;
  Spin spin_;
  mutable std::mutex mutex_;
  std::condition_variable slot_given_;
  std::deque<Work> callbacks_;  ///< need the slot
  std::deque<Work> calls_;      ///< need the slot
  std::deque<Work> free_calls_;
  size_t workers_ = 0;   ///< threads given to us by the pool
  size_t starting_ = 0;  ///< of those, not at work yet
  size_t blocked_ = 0;   ///< of those, waiting for a call
  size_t control_waits_ = 0;
  bool slot_taken_ = false;
  bool retry_armed_ = false;
  bool closed_ = false;
};

}  // namespace novacron::host::plugin
