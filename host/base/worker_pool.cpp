#include "host/base/worker_pool.h"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "host/base/parker.h"

namespace novacron::host {

/// On the stack of a thread without work. Whoever takes it out of the list of those puts work into it and wakes it.
struct WorkerPool::Sleeper {
  Parker parker;
  std::function<void()> work;  ///< none: the pool ends
};

void WorkerPool::Wake::now() {
  if (Sleeper* const sleeper = std::exchange(sleeper_, nullptr)) sleeper->parker.unpark();
}

class WorkerPool::State : public std::enable_shared_from_this<WorkerPool::State> {
 public:
  explicit State(Options options) : options_(options) {}

  /// `given`: who has the work now and is to be woken; null: a thread of its own, which is awake.
  Status run(std::function<void()> work, Sleeper*& given) {
    std::unique_lock lock(mutex_);
    if (!idle_.empty()) {
      given = idle_.back();
      idle_.pop_back();
      lock.unlock();
      given->work = std::move(work);
      return {};
    }
    if (threads_ >= options_.max_threads) {
      return Error{Code::kResourceExhausted, "all " + std::to_string(options_.max_threads) + " worker threads are busy",
                   "host.threads"};
    }
    ++threads_;
    lock.unlock();
    std::thread([self = shared_from_this(), work = std::move(work)]() mutable {
      self->thread_main(std::move(work));
    }).detach();
    return {};
  }

  void stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    for (Sleeper* const sleeper : std::exchange(idle_, {})) sleeper->parker.unpark();
    ended_.wait(lock, [this] { return threads_ == 0; });
  }

  size_t threads() const {
    std::lock_guard lock(mutex_);
    return threads_;
  }

 private:
  void thread_main(std::function<void()> work) {
    pthread_setname_np(pthread_self(), "nc-worker");
    while (work) {
      work();
      work = nullptr;  // its captures go before it sleeps
      work = wait_for_work();
    }
    std::lock_guard lock(mutex_);
    --threads_;
    ended_.notify_all();
  }

  /// None: this thread is not needed any more.
  std::function<void()> wait_for_work() {
    Sleeper self;
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return nullptr;
      idle_.push_back(&self);  // taken from the back: who worked last has the warmest caches
    }
    if (!self.parker.park(spin_, options_.idle_ms * kMillisecondNs)) {
      if (leave(self)) return nullptr;
      self.parker.park();  // somebody has taken it out just now and wakes it
    }
    return std::move(self.work);
  }

  /// False: it was taken out already.
  bool leave(Sleeper& sleeper) {
    std::lock_guard lock(mutex_);
    const auto found = std::find(idle_.begin(), idle_.end(), &sleeper);
    if (found == idle_.end()) return false;
    idle_.erase(found);
    return true;
  }

  static constexpr uint64_t kMillisecondNs = 1'000'000;

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  std::vector<Sleeper*> idle_;
  Spin spin_;
  size_t threads_ = 0;
  bool stopping_ = false;
};

WorkerPool::WorkerPool(Options options) : state_(std::make_shared<State>(options)) {}
WorkerPool::~WorkerPool() {
  state_->stop();
}
Status WorkerPool::run(std::function<void()> work) {
  Wake at_once;
  return run(std::move(work), at_once);
}
Status WorkerPool::run(std::function<void()> work, Wake& wake) {
  wake.now();
  return state_->run(std::move(work), wake.sleeper_);
}
size_t WorkerPool::threads() const {
  return state_->threads();
}

class Lane::State : public std::enable_shared_from_this<Lane::State> {
 public:
  State(WorkerPool& pool, Options options) : pool_(pool), options_(std::move(options)) {}

  Status post(std::function<void()> work) {
    WorkerPool::Wake wake;  // ends after the lock
    std::lock_guard lock(mutex_);
    if (closed_ || queue_.size() >= options_.max_queued) {
      return Error{Code::kResourceExhausted, "the queue of " + options_.name + " is full", "host.queue-full"};
    }
    queue_.push_back(std::move(work));
    if (running_ >= options_.max_running) return {};
    auto started = pool_.run([self = shared_from_this()] { self->drain(); }, wake);
    if (started.ok()) {
      ++running_;
      return {};
    }
    if (running_ > 0) return {};  // a running one will take it
    queue_.pop_back();
    return started;
  }

  void close() {
    std::deque<std::function<void()>> dropped;  // ends without the lock: what work holds may ask this lane
    std::unique_lock lock(mutex_);
    closed_ = true;
    dropped.swap(queue_);
    idle_.wait(lock, [this] { return running_ == 0; });
    lock.unlock();
  }

  size_t queued() const {
    std::lock_guard lock(mutex_);
    return queue_.size();
  }

 private:
  void drain() {
    std::unique_lock lock(mutex_);
    while (!queue_.empty()) {
      auto work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work();
      work = nullptr;
      lock.lock();
    }
    --running_;
    idle_.notify_all();
  }

  WorkerPool& pool_;
  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable idle_;
  std::deque<std::function<void()>> queue_;
  size_t running_ = 0;
  bool closed_ = false;
};

Lane::Lane(WorkerPool& pool, Options options) : state_(std::make_shared<State>(pool, std::move(options))) {}
Lane::~Lane() {
  state_->close();
}
Status Lane::post(std::function<void()> work) {
  return state_->post(std::move(work));
}
size_t Lane::queued() const {
  return state_->queued();
}

}  // namespace novacron::host
