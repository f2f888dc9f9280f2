#include "novacron/reconciler.h"

#include <algorithm>
#include <chrono>

namespace novacron {

Reconciler::Reconciler(Host& host, Function reconcile, ReconcilerOptions options)
    : host_(host), reconcile_(std::move(reconcile)), options_(options), alive_(std::make_shared<Alive>()) {
  alive_->self = this;
  host_.add(*this);
}

Reconciler::~Reconciler() {
  host_.remove(*this);
  stop();
  const std::lock_guard lock(alive_->mutex);
  alive_->self = nullptr;
}

bool Reconciler::add(const ResourceKey& key) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) {
      if (entries_.size() >= options_.max_keys) return false;
      enqueue(key, entries_[key]);
    } else if (found->second.state == State::kDelayed) {
      enqueue(key, found->second);
    } else if (found->second.state == State::kRunning) {
      found->second.state = State::kRunningAndAdded;
    }
  }
  post_workers();
  return true;
}

void Reconciler::add_after(const ResourceKey& key, uint64_t delay_ns) {
  const uint64_t due_ns = host_.now_ns() + delay_ns;
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    if (entries_.size() < options_.max_keys) arm(key, entries_[key], due_ns);
    return;
  }
  Entry& entry = found->second;
  if (entry.state == State::kQueued || (entry.due_ns != 0 && entry.due_ns <= due_ns)) return;
  if (entry.state == State::kDelayed) {
    arm(key, entry, due_ns);
  } else {
    entry.due_ns = due_ns;
  }
}

void Reconciler::start() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(is_started_, true)) return;
    ++epoch_;
    posted_ = 0;
    for (auto& [key, entry] : entries_) {
      if (entry.state == State::kDelayed) arm(key, entry, entry.due_ns);
    }
  }
  post_workers();
}

void Reconciler::stop() {
  std::unique_lock lock(mutex_);
  is_started_ = false;
  const auto timeout = std::chrono::nanoseconds(options_.stop_timeout_ns);
  if (idle_.wait_for(lock, timeout, [this] { return entered_ == 0; })) return;
  host_.error("reconciler still busy after its time to stop", {{"running", entered_}});
}

size_t Reconciler::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

void Reconciler::enqueue(const ResourceKey& key, Entry& entry) {
  entry.state = State::kQueued;
  entry.due_ns = 0;
  queue_.push_back(key);
}

void Reconciler::arm(const ResourceKey& key, Entry& entry, uint64_t due_ns) {
  entry.state = State::kDelayed;
  entry.due_ns = due_ns;
  if (!is_started_) return;  // start() arms what waits
  const uint64_t now_ns = host_.now_ns();
  if (!post([key](Reconciler& self) { self.due(key); }, due_ns > now_ns ? due_ns - now_ns : 0)) enqueue(key, entry);
}

void Reconciler::due(const ResourceKey& key) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.state != State::kDelayed) return;
    if (found->second.due_ns > host_.now_ns()) return;  // put off since: another timer will come
    enqueue(key, found->second);
  }
  post_workers();
}

void Reconciler::post_workers() {
  const std::lock_guard lock(mutex_);
  while (is_started_ && posted_ < std::min<size_t>(options_.workers, queue_.size())) {
    ++posted_;
    if (post([](Reconciler& self) { self.work(); }, 0)) continue;
    --posted_;
    return;  // refused: the next change tries again
  }
}

// One key a task, so that calls of the plugin get their turn between two keys.
void Reconciler::work() {
  ResourceKey key;
  const bool has_key = take(key);
  if (!has_key) return;
  run(key);
  post_workers();
}

bool Reconciler::take(ResourceKey& key) {
  const std::lock_guard lock(mutex_);
  --posted_;
  for (size_t left = queue_.size(); left > 0; --left) {
    key = std::move(queue_.front());
    queue_.pop_front();
    if (is_open(key)) {
      entries_[key].state = State::kRunning;
      return true;
    }
    queue_.push_back(key);  // the cache is behind our own write: wake() tries again
  }
  return false;
}

void Reconciler::run(const ResourceKey& key) {
  try {
    done(key, reconcile_(key));
  } catch (const std::exception& error) {
    done(key, Error{.code = Code::kInternal, .message = error.what()});
  } catch (...) {
    done(key, Error{.code = Code::kInternal, .message = "an exception of unknown type"});
  }
}

void Reconciler::done(const ResourceKey& key, const Result<Again>& result) {
  if (!result.ok()) {
    host_.warn("reconcile failed", {{"key", to_string(key)},
                                    {"code", to_string(result.error().code)},
                                    {"reason", result.error().reason},
                                    {"error", result.error().message}});
  }
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[key];
  const bool was_added = entry.state == State::kRunningAndAdded;
  uint64_t due_ns = entry.due_ns;
  const auto come_back = [&](uint64_t delay_ns) {
    const uint64_t wanted_ns = host_.now_ns() + delay_ns;
    due_ns = due_ns == 0 ? wanted_ns : std::min(due_ns, wanted_ns);
  };
  if (result.ok()) {
    entry.failures = 0;
    if (result->after_ns != 0) come_back(result->after_ns);
  } else {
    come_back(backoff_ns(result.error(), entry.failures++));
  }
  if (was_added) {
    enqueue(key, entry);
  } else if (due_ns != 0) {
    arm(key, entry, due_ns);
  } else {
    entries_.erase(key);
  }
}

bool Reconciler::is_open(const ResourceKey& key) const {
  return std::all_of(gates_.begin(), gates_.end(), [&](const Gate& gate) { return gate(key); });
}

uint64_t Reconciler::backoff_ns(const Error& error, uint32_t failures) const {
  const uint64_t doubled = options_.backoff_min_ns << std::min(failures, 20U);
  return std::max(error.retry_after_ns, std::min(doubled, options_.backoff_max_ns));
}

bool Reconciler::post(std::function<void(Reconciler&)> task, uint64_t delay_ns) {
  return host_.post(
             [alive = alive_, epoch = epoch_, task = std::move(task)] {
               Reconciler* self = nullptr;
               {
                 const std::lock_guard lock(alive->mutex);
                 if (alive->self != nullptr && alive->self->enter(epoch)) self = alive->self;
               }
               if (self == nullptr) return;
               task(*self);
               self->leave();
             },
             delay_ns) != 0;
}

bool Reconciler::enter(uint64_t epoch) {
  const std::lock_guard lock(mutex_);
  if (!is_started_ || epoch != epoch_) return false;
  ++entered_;
  return true;
}

void Reconciler::leave() {
  // Notified under the lock: whoever waits for it may destroy this right after.
  const std::lock_guard lock(mutex_);
  --entered_;
  idle_.notify_all();
}

}  // namespace novacron
