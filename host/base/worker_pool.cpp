#include "host/base/worker_pool.h"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace novacron::host {

class WorkerPool::State : public std::enable_shared_from_this<WorkerPool::State> {
 public:
  explicit State(Options options) : options_(options) {}

  Status run(std::function<void()> work) {
    std::unique_lock lock(mutex_);
    if (idle_ > queue_.size()) {
      queue_.push_back(std::move(work));
      wake_.notify_one();
      return {};
    }
    if (threads_ >= options_.max_threads) {
      return Error{Code::kResourceExhausted, "all " + std::to_string(options_.max_threads) + " worker threads are busy",
                   "host.threads"};
    }
    queue_.push_back(std::move(work));
    ++threads_;
    lock.unlock();
    std::thread([self = shared_from_this()] { self->thread_main(); }).detach();
    return {};
  }

  void stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
    ended_.wait(lock, [this] { return threads_ == 0; });
  }

  size_t threads() const {
    std::lock_guard lock(mutex_);
    return threads_;
  }

 private:
  void thread_main() {
    pthread_setname_np(pthread_self(), "nc-worker");
    std::unique_lock lock(mutex_);
    while (true) {
      if (queue_.empty() && !wait_for_work(lock)) break;
      auto work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work();
      work = nullptr;  // its captures go before the lock is taken again
      lock.lock();
    }
    --threads_;
    ended_.notify_all();
  }

  /// False: this thread is not needed any more.
  bool wait_for_work(std::unique_lock<std::mutex>& lock) {
    ++idle_;
    wake_.wait_for(lock, std::chrono::milliseconds(options_.idle_ms), [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    return !queue_.empty();
  }

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable ended_;
  std::deque<std::function<void()>> queue_;
  size_t threads_ = 0;
  size_t idle_ = 0;
  bool stopping_ = false;
};

WorkerPool::WorkerPool(Options options) : state_(std::make_shared<State>(options)) {}
WorkerPool::~WorkerPool() {
  state_->stop();
}
Status WorkerPool::run(std::function<void()> work) {
  return state_->run(std::move(work));
}
size_t WorkerPool::threads() const {
  return state_->threads();
}

class Lane::State : public std::enable_shared_from_this<Lane::State> {
 public:
  State(WorkerPool& pool, Options options) : pool_(pool), options_(std::move(options)) {}

  Status post(std::function<void()> work) {
    std::lock_guard lock(mutex_);
    if (closed_ || queue_.size() >= options_.max_queued) {
      return Error{Code::kResourceExhausted, "the queue of " + options_.name + " is full", "host.queue-full"};
    }
    queue_.push_back(std::move(work));
    if (running_ >= options_.max_running) return {};
    auto started = pool_.run([self = shared_from_this()] { self->drain(); });
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
