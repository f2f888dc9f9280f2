// Things to do at a time: deadlines, delays, retries.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "host/base/clock.h"

namespace novacron::host {

/// [any] thread. One thread of its own runs what is due, in order of time; what it runs must be quick and must not
/// block.
class TimerQueue final {
 public:
  using Id = uint64_t;  ///< never used twice; 0 is none

  explicit TimerQueue(const Clock& clock);
  /// Drops what is not due yet.
  ~TimerQueue();
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  Id at(uint64_t monotonic_ns, std::function<void()> action);
  /// False: it runs, ran, or never was. Does not wait for one that runs.
  bool cancel(Id id);
  size_t size() const;

 private:
  void thread_main();
  /// Runs what is due; the lock is released meanwhile. Returns when the next one is due, UINT64_MAX for none.
  uint64_t run_due(std::unique_lock<std::mutex>& lock);

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::pair<uint64_t, Id>, std::function<void()>> timers_;  ///< by time, then by order of arrival
  std::map<Id, uint64_t> due_;
  Id last_id_ = 0;
  uint64_t wakes_at_ns_ = 0;  ///< when the thread looks again by itself; 0: it is awake and will look
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace novacron::host
