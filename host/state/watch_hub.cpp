#include "host/state/watch_hub.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "host/base/log.h"

namespace novacron::host::state {
namespace {

constexpr size_t kChangesAtOnce = 256;  // read for one watcher before the next has its turn
constexpr auto kRetryInterval = std::chrono::milliseconds(20);
constexpr auto kStopWarning = std::chrono::seconds(10);

/// Fields are guarded by the hub's mutex, except those that never change.
struct Watcher {
  WatchId id = 0;
  WatchRequest request;
  WatchCallbacks callbacks;
  Revision cursor = 0;            ///< all changes up to here were delivered or are none of its own
  Revision wanted = 0;            ///< up to here there may be some of its own
  bool scheduled = false;         ///< its turn is given to the executor, or runs
  bool progress_due = true;       ///< once history has been delivered, at first
  std::optional<Error> ending;    ///< on_end is due
  std::atomic<bool> stop{false};  ///< `ending` is set: seen between two callbacks

  bool has_work() const { return ending || wanted > cursor || progress_due; }
};
using WatcherPtr = std::shared_ptr<Watcher>;

/// Orders ranges for the index of watchers.
struct RangeLess {
  bool operator()(const KeyRange& left, const KeyRange& right) const {
    return left.begin != right.begin ? left.begin < right.begin : left.end < right.end;
  }
};

}  // namespace

class WatchHub::State : public std::enable_shared_from_this<WatchHub::State> {
 public:
  explicit State(const ChangeSource& source) : source_(source), dispatched_(source.revision()) {}

  void start() {
    thread_ = std::thread([this] { thread_main(); });
  }
  WatchId watch(WatchRequest request, WatchCallbacks callbacks);
  void unwatch(WatchId id);
  void notify();
  void send_progress();
  void stop(const Error& why);
  size_t watchers() const;

 private:
  using Lock = std::unique_lock<std::mutex>;

  std::optional<Error> refusal(const WatchRequest& request, Revision now) const;
  void thread_main();
  void dispatch(Lock& lock);
  void mark(const Change& change);
  void give_turns(Lock& lock);
  void give_turn(const WatcherPtr& watcher);
  void run(const WatcherPtr& watcher);
  bool run_once(const WatcherPtr& watcher, Lock& lock);
  void deliver(Watcher& watcher, Revision until, Lock& lock);
  void finish(const WatcherPtr& watcher, Lock& lock);
  void end(Watcher& watcher, const Error& why);
  void make_ready(const WatcherPtr& watcher);

  const ChangeSource& source_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable ended_;
  std::map<WatchId, WatcherPtr> watchers_;
  size_t live_ = 0;  ///< watchers that are not ending
  std::map<KeyRange, std::map<WatchId, WatcherPtr>, RangeLess> by_range_;
  std::deque<WatcherPtr> ready_;  ///< have work and no turn yet
  Revision dispatched_;           ///< watchers of all changes up to here were marked
  WatchId last_id_ = 0;
  bool notified_ = false;
  bool refused_ = false;  ///< an executor was full: try again soon
  std::optional<Error> stopping_;
  std::thread thread_;
};

std::optional<Error> WatchHub::State::refusal(const WatchRequest& request, Revision now) const {
  if (stopping_) return stopping_;
  if (request.after_revision > now)
    return Error{Code::kFailedPrecondition, "the state is at revision " + std::to_string(now), "state.future-revision"};
  if (live_ >= kMaxWatchers)
    return Error{Code::kResourceExhausted, "there are " + std::to_string(kMaxWatchers) + " watchers already",
                 "state.watchers"};
  if (request.after_revision == 0 || request.after_revision == now) return {};
  auto missed = source_.changes(request.after_revision, 1);
  if (missed.ok()) return {};
  return std::move(missed).error();
}

WatchId WatchHub::State::watch(WatchRequest request, WatchCallbacks callbacks) {
  Lock lock(mutex_);
  const Revision now = source_.revision();
  auto watcher = std::make_shared<Watcher>();
  watcher->id = ++last_id_;
  watcher->cursor = request.after_revision == 0 ? now : request.after_revision;
  watcher->wanted = now;
  watcher->request = std::move(request);
  watcher->callbacks = std::move(callbacks);
  if (const auto refused = refusal(watcher->request, now)) {
    lock.unlock();
    watcher->callbacks.on_end(*refused);
    return watcher->id;
  }
  by_range_[watcher->request.keys].emplace(watcher->id, watcher);
  ++live_;
  watchers_.emplace(watcher->id, watcher);
  make_ready(watcher);
  return watcher->id;
}

void WatchHub::State::unwatch(WatchId id) {
  Lock lock(mutex_);
  const auto found = watchers_.find(id);
  if (found == watchers_.end()) return;
  end(*found->second, {Code::kCancelled, "the watch was ended by who asked for it"});
  make_ready(found->second);
}

void WatchHub::State::end(Watcher& watcher, const Error& why) {
  if (watcher.ending) return;
  watcher.ending = why;
  watcher.stop = true;
  --live_;
}

void WatchHub::State::make_ready(const WatcherPtr& watcher) {
  if (watcher->scheduled) return;
  watcher->scheduled = true;
  ready_.push_back(watcher);
  wake_.notify_one();
}

void WatchHub::State::notify() {
  Lock lock(mutex_);
  if (notified_) return;
  notified_ = true;
  wake_.notify_one();
}

void WatchHub::State::send_progress() {
  Lock lock(mutex_);
  for (auto& [id, watcher] : watchers_) {
    if (watcher->scheduled || !watcher->callbacks.on_progress) continue;
    watcher->progress_due = true;
    make_ready(watcher);
  }
}

size_t WatchHub::State::watchers() const {
  Lock lock(mutex_);
  return watchers_.size();
}

void WatchHub::State::thread_main() {
  pthread_setname_np(pthread_self(), "nc-watch");
  Lock lock(mutex_);
  while (true) {
    const auto due = [this] { return notified_ || (!ready_.empty() && !refused_) || (stopping_ && watchers_.empty()); };
    if (refused_)
      wake_.wait_for(lock, kRetryInterval, due);
    else
      wake_.wait(lock, due);
    if (stopping_ && watchers_.empty()) return;
    refused_ = false;
    if (notified_) dispatch(lock);
    give_turns(lock);
  }
}

/// Marks the watchers of all new changes.
void WatchHub::State::dispatch(Lock& lock) {
  notified_ = false;
  while (dispatched_ < source_.revision()) {
    if (watchers_.empty()) {
      dispatched_ = source_.revision();
      return;
    }
    lock.unlock();
    auto changes = source_.changes(dispatched_, kChangesAtOnce);
    lock.lock();
    if (!changes.ok()) {  // compaction was faster: each watcher finds out by itself what it has lost
      dispatched_ = source_.revision();
      for (auto& [id, watcher] : watchers_) {
        watcher->wanted = dispatched_;
        make_ready(watcher);
      }
      return;
    }
    for (const ChangePtr& change : *changes) mark(*change);
  }
}

void WatchHub::State::mark(const Change& change) {
  for (const Event& event : change.events) {
    const std::string& key = event.key();
    for (auto& [range, watchers] : by_range_) {
      if (range.begin > key) break;
      if (!range.contains(key)) continue;
      for (auto& [id, watcher] : watchers) {
        if (change.revision <= watcher->wanted) continue;
        // Nothing between what it has read and this is its own, or it would have been marked for it.
        if (watcher->wanted <= watcher->cursor) watcher->cursor = change.revision - 1;
        watcher->wanted = change.revision;
        make_ready(watcher);
      }
    }
  }
  dispatched_ = change.revision;
}

/// Watchers without an executor have their turn here, one after the other.
void WatchHub::State::give_turns(Lock& lock) {
  std::deque<WatcherPtr> turns;
  turns.swap(ready_);
  lock.unlock();
  for (const WatcherPtr& watcher : turns) give_turn(watcher);
  lock.lock();
}

void WatchHub::State::give_turn(const WatcherPtr& watcher) {
  if (!watcher->request.executor) return run(watcher);
  auto taken = watcher->request.executor([self = shared_from_this(), watcher] { self->run(watcher); });
  if (taken.ok()) return;
  Lock lock(mutex_);
  ready_.push_back(watcher);
  refused_ = true;
}

void WatchHub::State::run(const WatcherPtr& watcher) {
  Lock lock(mutex_);
  if (run_once(watcher, lock)) return;
  if (watcher->has_work()) {
    ready_.push_back(watcher);  // at the end: others first
    wake_.notify_one();
  } else {
    watcher->scheduled = false;
  }
}

/// True: it has ended.
bool WatchHub::State::run_once(const WatcherPtr& watcher, Lock& lock) {
  if (!watcher->ending && watcher->wanted > watcher->cursor) deliver(*watcher, watcher->wanted, lock);
  if (watcher->ending) return finish(watcher, lock), true;
  if (watcher->wanted <= watcher->cursor && watcher->progress_due) {
    watcher->progress_due = false;
    const Revision reached = std::max(watcher->cursor, dispatched_);
    lock.unlock();
    if (watcher->callbacks.on_progress) watcher->callbacks.on_progress(reached);
    lock.lock();
  }
  return false;
}

void WatchHub::State::deliver(Watcher& watcher, Revision until, Lock& lock) {
  const Revision after = watcher.cursor;
  lock.unlock();
  auto changes = source_.changes(after, std::min<uint64_t>(kChangesAtOnce, until - after));
  Revision reached = after;
  std::vector<Event> events;
  for (const ChangePtr& change : changes.ok() ? *changes : std::vector<ChangePtr>()) {
    if (watcher.stop) break;
    events.clear();
    for (const Event& event : change->events)
      if (watcher.request.keys.contains(event.key())) events.push_back(event);
    if (!events.empty()) watcher.callbacks.on_changes(change->revision, events);
    reached = change->revision;
  }
  lock.lock();
  watcher.cursor = reached;
  if (!changes.ok()) end(watcher, changes.error());
}

void WatchHub::State::finish(const WatcherPtr& watcher, Lock& lock) {
  const Error why = *watcher->ending;
  lock.unlock();
  watcher->callbacks.on_end(why);
  watcher->callbacks = {};
  lock.lock();
  const auto range = by_range_.find(watcher->request.keys);
  if (range != by_range_.end() && range->second.erase(watcher->id) > 0 && range->second.empty()) by_range_.erase(range);
  watchers_.erase(watcher->id);
  ended_.notify_all();
  wake_.notify_one();
}

void WatchHub::State::stop(const Error& why) {
  Lock lock(mutex_);
  if (!stopping_) stopping_ = why;
  for (auto& [id, watcher] : watchers_) {
    end(*watcher, why);
    make_ready(watcher);
  }
  wake_.notify_one();
  while (!ended_.wait_for(lock, kStopWarning, [this] { return watchers_.empty(); }))
    log_warn("state", "waiting for watchers to end", {{"watchers", watchers_.size()}});
  wake_.notify_one();
  lock.unlock();
  if (thread_.joinable()) thread_.join();
}

WatchHub::WatchHub(const ChangeSource& source) : state_(std::make_shared<State>(source)) {
  state_->start();
}
WatchHub::~WatchHub() {
  state_->stop({Code::kUnavailable, "the state engine has stopped", "state.stopped"});
}
WatchId WatchHub::watch(WatchRequest request, WatchCallbacks callbacks) {
  return state_->watch(std::move(request), std::move(callbacks));
}
void WatchHub::unwatch(WatchId watch) {
  state_->unwatch(watch);
}
void WatchHub::notify() {
  state_->notify();
}
void WatchHub::send_progress() {
  state_->send_progress();
}
void WatchHub::stop(const Error& why) {
  state_->stop(why);
}
size_t WatchHub::watchers() const {
  return state_->watchers();
}

}  // namespace novacron::host::state
