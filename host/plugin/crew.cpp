#include "host/plugin/crew.h"

#include <chrono>

namespace novacron::host::plugin {
namespace {
constexpr uint64_t kRetryNs = 10'000'000;            ///< after the pool had no thread
constexpr uint64_t kLongestSleepNs = 1'000'000'000;  ///< a time far ahead would overflow the standard library's

Crew::Work take_front(std::deque<Crew::Work>& queue) {
  Crew::Work work = std::move(queue.front());
  queue.pop_front();
  return work;
}
}  // namespace

Crew::Crew(WorkerPool& pool, TimerQueue& timers, const Clock& clock, Options options)
    : pool_(pool),
      timers_(timers),
      clock_(clock),
      options_(std::move(options)),
      slot_taken_(options_.slot == Slot::kTaken && !options_.reentrant) {}

Status Crew::post_call(Need need, Work work) {
  WorkerPool::Wake wake;
  std::lock_guard lock(mutex_);
  if (closed_) return Error{Code::kUnavailable, options_.name + " is stopping", "plugin.stopping"};
  if (calls_.size() + free_calls_.size() >= options_.max_queued_calls) {
    return Error{Code::kResourceExhausted,
                 options_.name + " has " + std::to_string(options_.max_queued_calls) + " calls waiting already",
                 "plugin.queue-full"};
  }
  const bool needs_slot = need == Need::kSlot && !options_.reentrant;
  (needs_slot ? calls_ : free_calls_).push_back(std::move(work));
  start_workers(wake);
  return {};
}

bool Crew::post_callback(Work work) {
  WorkerPool::Wake wake;
  std::lock_guard lock(mutex_);
  if (closed_) return false;
  callbacks_.push_back(std::move(work));
  start_workers(wake);
  return true;
}

bool Crew::try_take_slot() {
  std::lock_guard lock(mutex_);
  if (!slot_for_workers() || closed_ || !callbacks_.empty() || !calls_.empty()) return false;
  slot_taken_ = true;
  return true;
}

bool Crew::take_slot(uint64_t until_ns) {
  if (options_.reentrant) return true;
  WorkerPool::Wake wake;
  std::unique_lock lock(mutex_);
  ++control_waits_;
  while (slot_taken_) {
    const uint64_t now_ns = clock_.monotonic_ns();
    if (now_ns >= until_ns) break;
    slot_given_.wait_for(lock, std::chrono::nanoseconds(std::min(until_ns - now_ns, kLongestSleepNs)));
  }
  --control_waits_;
  const bool taken = !slot_taken_;
  slot_taken_ = true;
  if (!taken) start_workers(wake);
  return taken;
}

void Crew::give_slot() {
  if (options_.reentrant) return;
  WorkerPool::Wake wake;
  std::lock_guard lock(mutex_);
  slot_taken_ = false;
  if (control_waits_ > 0) slot_given_.notify_all();
  start_workers(wake);
}

Crew::Blocked::Blocked(Crew* crew) : crew_(crew) {
  if (!crew_) return;
  WorkerPool::Wake wake;
  std::lock_guard lock(crew_->mutex_);
  ++crew_->blocked_;
  crew_->start_workers(wake);
}

Crew::Blocked::~Blocked() {
  if (!crew_) return;
  std::lock_guard lock(crew_->mutex_);
  --crew_->blocked_;
}

std::deque<Crew::Work> Crew::close() {
  std::deque<Work> dropped[2];  // their captures go after the lock
  std::lock_guard lock(mutex_);
  closed_ = true;
  dropped[0].swap(calls_);
  dropped[1].swap(free_calls_);
  return std::exchange(callbacks_, {});
}

size_t Crew::queued_calls() const {
  std::lock_guard lock(mutex_);
  return calls_.size() + free_calls_.size();
}

size_t Crew::workers() const {
  std::lock_guard lock(mutex_);
  return workers_;
}

size_t Crew::runnable() const {
  if (options_.reentrant) return callbacks_.size() + free_calls_.size();
  const bool for_slot = slot_for_workers() && !(callbacks_.empty() && calls_.empty());
  return free_calls_.size() + (for_slot ? 1 : 0);
}

void Crew::start_workers(WorkerPool::Wake& wake) {
  while (runnable() > starting_ && workers_ < max_workers()) {
    if (!pool_.run([self = shared_from_this()] { self->worker_main(); }, wake).ok()) return retry_later();
    ++workers_;
    ++starting_;
  }
}

void Crew::retry_later() {
  if (retry_armed_) return;
  retry_armed_ = true;
  timers_.at(clock_.monotonic_ns() + kRetryNs, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    WorkerPool::Wake wake;
    std::lock_guard lock(self->mutex_);
    self->retry_armed_ = false;
    self->start_workers(wake);
  });
}

bool Crew::pick(Work& work, bool& with_slot) {
  with_slot = false;
  if (options_.reentrant) {
    if (callbacks_.empty() && free_calls_.empty()) return false;
    work = take_front(callbacks_.empty() ? free_calls_ : callbacks_);
    return true;
  }
  if (slot_for_workers() && !(callbacks_.empty() && calls_.empty())) {
    with_slot = slot_taken_ = true;
    work = take_front(callbacks_.empty() ? calls_ : callbacks_);
    return true;
  }
  if (free_calls_.empty()) return false;
  work = take_front(free_calls_);
  return true;
}

void Crew::worker_main() {
  WorkerPool::Wake wake;
  std::unique_lock lock(mutex_);
  --starting_;
  Work work;
  bool with_slot = false;
  while (workers_ <= max_workers() && pick(work, with_slot)) {
    lock.unlock();
    work();
    work = nullptr;  // its captures go before the lock is taken again
    lock.lock();
    if (!with_slot) continue;
    slot_taken_ = false;
    if (control_waits_ > 0) slot_given_.notify_all();
  }
  --workers_;
  start_workers(wake);  // the slot may have been given back for work that nobody was started for
}

}  // namespace novacron::host::plugin
