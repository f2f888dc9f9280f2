#include "host/bus/bus.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "host/base/log.h"
#include "host/bus/retention.h"
#include "host/bus/subject.h"
#include "host/bus/subscription.h"

namespace novacron::host::bus {
namespace {

constexpr auto kRetryInterval = std::chrono::milliseconds(20);  // after an executor refused work
constexpr auto kStopWarning = std::chrono::seconds(10);
constexpr size_t kBatchesPerTurn = 16;

Status check_event(const Event& event) {
  TRY_STATUS(check_subject(event.subject));
  if (event.tenant.size() <= kMaxTenantBytes && event.trace_parent.size() <= kMaxTraceParentBytes &&
      (!event.body || event.body->size() <= kMaxEventBytes))
    return {};
  return Error{Code::kInvalidArgument,
               "an event's body has at most " + std::to_string(kMaxEventBytes) + " bytes, its tenant " +
                   std::to_string(kMaxTenantBytes) + ", its trace parent " + std::to_string(kMaxTraceParentBytes),
               "bus.event"};
}

Error compacted() {
  return {Code::kOutOfRange, "events since then are not retained any more", "bus.compacted"};
}

}  // namespace

class Bus::State : public std::enable_shared_from_this<Bus::State> {
 public:
  State(const Clock& clock, Options options)
      : clock_(clock),
        last_sequence_(clock.real_ns() / 1'000),
        retention_(options.retained_events, options.retained_bytes, last_sequence_ + 1) {}

  void start() {
    thread_ = std::thread([this] { thread_main(); });
  }
  void stop();
  Status publish(std::vector<Event> events);
  SubscriptionId subscribe(Interest interest, Callbacks callbacks);
  void unsubscribe(SubscriptionId id);
  Result<std::vector<EventPtr>> retained(const Interest& interest) const;
  Cursor oldest() const {
    const Lock lock(mutex_);
    return retention_.oldest();
  }
  bool is_own(const Cursor& cursor) const {
    const Lock lock(mutex_);
    return retention_.is_own(cursor);
  }
  void begin_state(uint64_t revision);
  Stats stats() const;

 private:
  using Lock = std::unique_lock<std::mutex>;
  using Turns = std::vector<SubscriptionPtr>;

  std::optional<Error> refusal(const Interest& interest) const;
  void replay(Subscription& subscription);
  bool is_wanted(const Interest& interest, const Event& event) const;
  void deliver(const EventPtr& event);
  void enqueue(const SubscriptionPtr& subscription, const EventPtr& event);
  void make_ready(const SubscriptionPtr& subscription);
  void end(Subscription& subscription, Error why);
  void detach(const Subscription& subscription);

  void give_turns(Lock& lock);
  void give_turn(const SubscriptionPtr& subscription);
  void run(const SubscriptionPtr& subscription);
  void run_batch(Subscription& subscription, Lock& lock);
  void finish(Subscription& subscription, Lock& lock);
  void thread_main();

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable ended_;
  uint64_t last_sequence_;  ///< starts at the time, so that a sequence of an earlier run is seen to be one
  Retention retention_;
  StatePosition state_position_;  ///< of the last derived event
  std::map<SubscriptionId, SubscriptionPtr> subscriptions_;
  SubjectIndex index_;
  std::string found_subject_;  ///< the last one looked up, and its subscriptions: most events come in runs
  Turns found_;
  Turns ready_;    ///< for executors, given out by who holds the lock
  Turns own_;      ///< for the bus's thread
  Turns refused_;  ///< their executor was full: the thread tries again
  Stats stats_;
  SubscriptionId last_id_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

Status Bus::State::publish(std::vector<Event> events) {
  if (events.size() > kMaxPublishedAtOnce)
    return Error{Code::kInvalidArgument, "at most " + std::to_string(kMaxPublishedAtOnce) + " events at once",
                 "bus.event"};
  const uint64_t now = clock_.real_ns();
  for (Event& event : events) {
    TRY_STATUS(check_event(event));
    if (event.time_ns == 0) event.time_ns = now;
  }
  // One allocation for all: each event is a pointer into the batch that keeps the batch.
  const auto batch = std::make_shared<std::vector<Event>>(std::move(events));
  Lock lock(mutex_);
  for (Event& event : *batch) {
    event.sequence = ++last_sequence_;
    if (event.derived) state_position_ = {event.revision, event.part};
    event.state = state_position_;
    EventPtr shared(batch, &event);
    deliver(shared);
    retention_.add(std::move(shared));
  }
  stats_.published += batch->size();
  give_turns(lock);
  return {};
}

void Bus::State::deliver(const EventPtr& event) {
  if (event->subject != found_subject_) {
    found_.clear();
    index_.find(event->subject, found_);
    found_subject_ = event->subject;
  }
  bool ended = false;
  for (const SubscriptionPtr& subscription : found_) {
    if (subscription->interest.tenant && *subscription->interest.tenant != event->tenant) continue;
    enqueue(subscription, event);
    ended |= subscription->ending.has_value();
  }
  if (!ended) return;
  for (const SubscriptionPtr& subscription : Turns(found_))
    if (subscription->ending) detach(*subscription);
}

void Bus::State::enqueue(const SubscriptionPtr& subscription, const EventPtr& event) {
  if (subscription->queue.size() >= subscription->interest.max_queued) {
    ++stats_.missed;
    if (subscription->interest.overflow == Overflow::kEnd) {
      ++stats_.ended;
      return end(*subscription, {Code::kOutOfRange, "the subscriber is too slow", "bus.overflow"});
    }
    subscription->queue.pop_front();
    ++subscription->missed;
  }
  subscription->queue.push_back(event);
  make_ready(subscription);
}

void Bus::State::make_ready(const SubscriptionPtr& subscription) {
  if (subscription->scheduled) return;
  subscription->scheduled = true;
  if (subscription->interest.executor) {
    ready_.push_back(subscription);
  } else {
    own_.push_back(subscription);
    wake_.notify_one();
  }
}

void Bus::State::end(Subscription& subscription, Error why) {
  if (!subscription.ending) subscription.ending = std::move(why);
}

void Bus::State::detach(const Subscription& subscription) {
  index_.remove(subscription);
  found_subject_.clear();
  found_.clear();
}

std::optional<Error> Bus::State::refusal(const Interest& interest) const {
  auto checked = check_pattern(interest.pattern);
  if (!checked.ok()) return checked.error();
  if (subscriptions_.size() >= kMaxSubscriptions)
    return Error{Code::kResourceExhausted, "there are " + std::to_string(kMaxSubscriptions) + " subscriptions already",
                 "bus.subscriptions"};
  if (!retention_.reaches(interest) && interest.overflow == Overflow::kEnd) return compacted();
  return {};
}

SubscriptionId Bus::State::subscribe(Interest interest, Callbacks callbacks) {
  interest.max_queued = std::min(interest.max_queued == 0 ? kDefaultQueued : interest.max_queued, kMaxQueued);
  interest.max_batch = std::min(interest.max_batch == 0 ? kDefaultBatch : interest.max_batch, kMaxBatch);
  auto subscription = std::make_shared<Subscription>();
  subscription->interest = std::move(interest);
  subscription->callbacks = std::move(callbacks);
  Lock lock(mutex_);
  subscription->id = ++last_id_;
  if (auto refused = refusal(subscription->interest)) {
    end(*subscription, *std::move(refused));
  } else {
    replay(*subscription);
    index_.add(subscription);
    found_subject_.clear();
  }
  subscriptions_.emplace(subscription->id, subscription);
  if (subscription->has_work()) make_ready(subscription);
  give_turns(lock);
  return subscription->id;
}

void Bus::State::replay(Subscription& subscription) {
  const Interest& interest = subscription.interest;
  if (!Retention::resumes(interest)) return;
  if (!retention_.reaches(interest)) subscription.missed = 1;
  for (const EventPtr& event : retention_.events()) {
    if (is_wanted(interest, *event)) subscription.queue.push_back(event);
  }
}

/// Of the events that are retained.
bool Bus::State::is_wanted(const Interest& interest, const Event& event) const {
  return retention_.is_behind(interest, event) && (!interest.tenant || *interest.tenant == event.tenant) &&
         matches(interest.pattern, event.subject);
}

Result<std::vector<EventPtr>> Bus::State::retained(const Interest& interest) const {
  TRY_STATUS(check_pattern(interest.pattern));
  std::vector<EventPtr> found;
  const Lock lock(mutex_);
  if (!retention_.reaches(interest) && interest.overflow == Overflow::kEnd) return compacted();
  for (const EventPtr& event : retention_.events()) {
    if (is_wanted(interest, *event)) found.push_back(event);
  }
  return found;
}

void Bus::State::begin_state(uint64_t revision) {
  const Lock lock(mutex_);
  state_position_ = std::max(state_position_, StatePosition{revision, UINT32_MAX});
  retention_.skip_state(state_position_);
}

void Bus::State::unsubscribe(SubscriptionId id) {
  std::deque<EventPtr> dropped;
  Lock lock(mutex_);
  const auto found = subscriptions_.find(id);
  if (found == subscriptions_.end()) return;
  Subscription& subscription = *found->second;
  dropped.swap(subscription.queue);
  end(subscription, {Code::kCancelled, "unsubscribed"});
  detach(subscription);
  make_ready(found->second);
  give_turns(lock);
}

Bus::Stats Bus::State::stats() const {
  Lock lock(mutex_);
  Stats stats = stats_;
  stats.subscriptions = subscriptions_.size();
  stats.retained_events = retention_.events().size();
  stats.retained_bytes = retention_.bytes();
  stats.last_sequence = last_sequence_;
  return stats;
}

/// Hands what is ready to its executors, without the lock: an executor may run it at once.
void Bus::State::give_turns(Lock& lock) {
  while (!ready_.empty()) {
    Turns turns;
    turns.swap(ready_);
    lock.unlock();
    for (const SubscriptionPtr& subscription : turns) give_turn(subscription);
    lock.lock();
  }
}

void Bus::State::give_turn(const SubscriptionPtr& subscription) {
  auto taken = subscription->interest.executor([self = shared_from_this(), subscription] { self->run(subscription); });
  if (taken.ok()) return;
  Lock lock(mutex_);
  refused_.push_back(subscription);
  wake_.notify_one();
}

void Bus::State::run(const SubscriptionPtr& subscription) {
  Lock lock(mutex_);
  for (size_t batch = 0; batch < kBatchesPerTurn && !subscription->queue.empty(); ++batch)
    run_batch(*subscription, lock);
  if (subscription->queue.empty() && subscription->ending) return finish(*subscription, lock);
  subscription->scheduled = false;
  if (subscription->has_work()) make_ready(subscription);
  give_turns(lock);
}

void Bus::State::run_batch(Subscription& subscription, Lock& lock) {
  Batch batch;
  batch.missed = std::exchange(subscription.missed, 0);
  const size_t size = std::min(subscription.queue.size(), subscription.interest.max_batch);
  const auto last = subscription.queue.begin() + static_cast<ptrdiff_t>(size);
  batch.events.assign(std::make_move_iterator(subscription.queue.begin()), std::make_move_iterator(last));
  subscription.queue.erase(subscription.queue.begin(), last);
  stats_.delivered += size;
  lock.unlock();
  subscription.callbacks.on_events(batch);
  batch.events.clear();
  lock.lock();
}

void Bus::State::finish(Subscription& subscription, Lock& lock) {
  const Error why = *subscription.ending;
  lock.unlock();
  subscription.callbacks.on_end(why);
  subscription.callbacks = {};
  lock.lock();
  subscriptions_.erase(subscription.id);
  ended_.notify_all();
}

void Bus::State::thread_main() {
  pthread_setname_np(pthread_self(), "nc-bus");
  Lock lock(mutex_);
  while (!(stopping_ && subscriptions_.empty())) {
    if (own_.empty() && refused_.empty()) {
      wake_.wait(lock);
      continue;
    }
    if (own_.empty()) wake_.wait_for(lock, kRetryInterval, [this] { return !own_.empty(); });
    Turns own;
    own.swap(own_);
    ready_.insert(ready_.end(), refused_.begin(), refused_.end());
    refused_.clear();
    lock.unlock();
    for (const SubscriptionPtr& subscription : own) run(subscription);
    lock.lock();
    give_turns(lock);
  }
}

void Bus::State::stop() {
  Lock lock(mutex_);
  stopping_ = true;
  for (auto& [id, subscription] : subscriptions_) {
    end(*subscription, {Code::kUnavailable, "the event bus has stopped", "bus.stopped"});
    make_ready(subscription);
  }
  wake_.notify_one();
  give_turns(lock);
  while (!ended_.wait_for(lock, kStopWarning, [this] { return subscriptions_.empty(); }))
    log_warn("bus", "waiting for subscriptions to end", {{"subscriptions", subscriptions_.size()}});
  wake_.notify_one();
  lock.unlock();
  thread_.join();
}

Bus::Bus(const Clock& clock) : Bus(clock, Options()) {}
Bus::Bus(const Clock& clock, Options options) : state_(std::make_shared<State>(clock, options)) {
  state_->start();
}
Bus::~Bus() {
  state_->stop();
}
Status Bus::publish(Event event) {
  std::vector<Event> events;
  events.push_back(std::move(event));
  return state_->publish(std::move(events));
}
Status Bus::publish(std::vector<Event> events) {
  return state_->publish(std::move(events));
}
SubscriptionId Bus::subscribe(Interest interest, Callbacks callbacks) {
  return state_->subscribe(std::move(interest), std::move(callbacks));
}
void Bus::unsubscribe(SubscriptionId subscription) {
  state_->unsubscribe(subscription);
}
Result<std::vector<EventPtr>> Bus::retained(const Interest& interest) const {
  return state_->retained(interest);
}
Cursor Bus::oldest() const {
  return state_->oldest();
}
bool Bus::is_own(const Cursor& cursor) const {
  return state_->is_own(cursor);
}
void Bus::begin_state(uint64_t revision) {
  state_->begin_state(revision);
}
Bus::Stats Bus::stats() const {
  return state_->stats();
}

}  // namespace novacron::host::bus
