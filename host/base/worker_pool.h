// Threads for work that may block. A pool is elastic; a lane of it bounds how many run at once and how many wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "host/base/result.h"

namespace novacron::host {

/// Threads come when there is work and go after `idle_ms` without. [any]
class WorkerPool {
  struct Sleeper;

 public:
  /// Wakes a thread that was given work, at its end. Whoever gives work while holding a lock that the work wants keeps
  /// it until the lock is free: a thread that wakes up to wait again costs two more changes of threads.
  class Wake final {
   public:
    Wake() = default;
    ~Wake() { now(); }
    Wake(const Wake&) = delete;
    Wake& operator=(const Wake&) = delete;

   private:
    friend class WorkerPool;
    void now();
    Sleeper* sleeper_ = nullptr;
  };

  struct Options {
    size_t max_threads = 256;
    uint64_t idle_ms = 5'000;
  };
  explicit WorkerPool(Options options);
  /// Waits for all that was given to run(). Lanes of it must be gone.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Runs `work` on a thread of the pool; RESOURCE_EXHAUSTED "host.threads" when all are busy.
  Status run(std::function<void()> work);
  /// The same, but a sleeping thread begins with it no later than at the end of `wake`. What that held is woken now.
  Status run(std::function<void()> work, Wake& wake);
  size_t threads() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

/// A bounded first-in-first-out queue whose work runs on a pool's threads, at most `max_running` at once. [any]
class Lane {
 public:
  struct Options {
    std::string name;
    size_t max_running = 1;
    size_t max_queued = 1'024;
  };
  Lane(WorkerPool& pool, Options options);
  /// Drops what is queued, waits for what runs.
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// RESOURCE_EXHAUSTED "host.queue-full" when `max_queued` wait already.
  Status post(std::function<void()> work);
  size_t queued() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace novacron::host
