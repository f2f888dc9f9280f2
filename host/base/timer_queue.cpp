#include "host/base/timer_queue.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>

namespace novacron::host {
namespace {
/// The longest sleep: an injected clock may run ahead of the machine's.
constexpr uint64_t kMaxSleepNs = 1'000'000'000;
}  // namespace

TimerQueue::TimerQueue(const Clock& clock) : clock_(clock), thread_([this] { thread_main(); }) {}

TimerQueue::~TimerQueue() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  thread_.join();
}

TimerQueue::Id TimerQueue::at(uint64_t monotonic_ns, std::function<void()> action) {
  std::lock_guard lock(mutex_);
  const Id id = ++last_id_;
  timers_.emplace(std::pair(monotonic_ns, id), std::move(action));
  due_.emplace(id, monotonic_ns);
  if (monotonic_ns < wakes_at_ns_) wake_.notify_one();  // most deadlines are cancelled before anybody looks at them
  return id;
}

bool TimerQueue::cancel(Id id) {
  std::function<void()> dropped;  // its captures go after the lock
  std::lock_guard lock(mutex_);
  const auto found = due_.find(id);
  if (found == due_.end()) return false;
  const auto timer = timers_.find(std::pair(found->second, id));
  dropped = std::move(timer->second);
  timers_.erase(timer);
  due_.erase(found);
  return true;
}

size_t TimerQueue::size() const {
  std::lock_guard lock(mutex_);
  return timers_.size();
}

uint64_t TimerQueue::run_due(std::unique_lock<std::mutex>& lock) {
  while (!stopping_ && !timers_.empty()) {
    const auto first = timers_.begin();
    if (first->first.first > clock_.monotonic_ns()) return first->first.first;
    auto action = std::move(first->second);
    due_.erase(first->first.second);
    timers_.erase(first);
    lock.unlock();
    action();
    action = nullptr;
    lock.lock();
  }
  return UINT64_MAX;
}

void TimerQueue::thread_main() {
  pthread_setname_np(pthread_self(), "nc-timers");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const uint64_t next_ns = run_due(lock);
    if (stopping_) return;
    wakes_at_ns_ = next_ns;
    if (next_ns == UINT64_MAX) {
      wake_.wait(lock);
    } else {
      const uint64_t now_ns = clock_.monotonic_ns();
      const uint64_t sleep_ns = next_ns > now_ns ? std::min(next_ns - now_ns, kMaxSleepNs) : 0;
      wakes_at_ns_ = now_ns + sleep_ns;
      wake_.wait_for(lock, std::chrono::nanoseconds(sleep_ns));
    }
    wakes_at_ns_ = 0;
  }
}

}  // namespace novacron::host
