// Carries what a watch has into a call's stream of replies, as fast as the caller reads.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "host/base/timer_queue.h"
#include "host/base/worker_pool.h"
#include "host/resource/services/method_table.h"

namespace novacron::host::resource {

inline constexpr uint64_t kPumpAgainNs = 2'000'000;  ///< while the caller does not read

/// Keeps itself alive until the call has ended. [any]
class StreamPump : public std::enable_shared_from_this<StreamPump> {
 public:
  /// The next messages, encoded; none: nothing yet. An error ends the stream.
  using Source = std::function<Result<std::deque<std::string>>()>;

  StreamPump(CallPtr call, WorkerPool& pool, TimerQueue& timers)
      : call_(std::move(call)), pool_(pool), timers_(timers) {}

  /// Once. `source` is then asked by one thread at a time, whenever wake() was called.
  void start(Source source);
  /// There may be something new. Before start() it is remembered.
  void wake();

 private:
  void schedule();
  void run();
  /// False: the caller's window is full, or the stream has ended.
  bool send_pending();
  void end(Error why);

  const CallPtr call_;
  WorkerPool& pool_;
  TimerQueue& timers_;
  Source source_;
  std::deque<std::string> pending_;  // of the running thread
  std::mutex mutex_;
  bool started_ = false;
  bool running_ = false;
  bool again_ = false;
  std::atomic<bool> ended_{false};
};

}  // namespace novacron::host::resource
