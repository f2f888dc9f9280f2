#include "host/resource/watch.h"

#include <chrono>

#include "host/resource/keys.h"
#include "host/resource/store_impl.h"

namespace novacron::host::resource {

/// Shared by the watch and the engine's callbacks, which may still come when the watch is gone.
class ObjectWatch::Queue {
 public:
  explicit Queue(std::function<void()> on_ready) : on_ready_(std::move(on_ready)) {}

  /// A new watch of the engine: what earlier ones still say no longer counts.
  uint64_t begin() {
    const std::lock_guard lock(mutex_);
    return ++epoch_;
  }

  void push(uint64_t epoch, std::vector<Change> changes) {
    std::unique_lock lock(mutex_);
    if (epoch != epoch_ || full_) return;
    last_revision_ = changes.back().revision;
    const bool is_bookmark = changes.size() == 1 && changes[0].ref.name.empty();
    if (is_bookmark && !changes_.empty() && changes_.back().ref.name.empty()) {
      changes_.back() = std::move(changes[0]);
      return;
    }
    for (auto& change : changes) changes_.push_back(std::move(change));
    full_ = changes_.size() >= kMaxWatchQueue;
    notify(lock);
  }

  void end(uint64_t epoch, Error why) {
    std::unique_lock lock(mutex_);
    if (epoch != epoch_ || full_) return;
    end_ = std::move(why);
    notify(lock);
  }

  /// No call of on_ready is under way or comes any more when this returns.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      ++epoch_;
    }
    const std::lock_guard lock(ready_mutex_);
    on_ready_ = {};
  }

  std::optional<Change> pop() {
    const std::lock_guard lock(mutex_);
    if (changes_.empty()) return std::nullopt;
    auto change = std::move(changes_.front());
    changes_.pop_front();
    return change;
  }

  /// Where to go on, when a full queue has been emptied. From here on nothing counts that the watch until then says:
  /// not that it was ended, either.
  std::optional<uint64_t> resume_after() {
    const std::lock_guard lock(mutex_);
    if (!full_ || !changes_.empty()) return std::nullopt;
    full_ = false;
    ++epoch_;
    return last_revision_;
  }

  std::optional<Error> ended() const {
    const std::lock_guard lock(mutex_);
    return changes_.empty() ? end_ : std::nullopt;
  }

  bool wait_until(uint64_t timeout_ns) {
    std::unique_lock lock(mutex_);
    return ready_.wait_for(lock, std::chrono::nanoseconds(timeout_ns), [this] { return !changes_.empty() || end_; });
  }

 private:
  void notify(std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    ready_.notify_all();
    const std::lock_guard ready_lock(ready_mutex_);
    if (on_ready_) on_ready_();
  }

  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::mutex ready_mutex_;  ///< held while on_ready_ runs
  std::function<void()> on_ready_;
  std::deque<Change> changes_;
  std::optional<Error> end_;
  uint64_t last_revision_ = 0;
  bool full_ = false;
  uint64_t epoch_ = 0;

  friend class ObjectWatch;
  state::WatchId watch_ = 0;
};

ObjectWatch::ObjectWatch(Parts parts)
    : parts_(std::move(parts)), objects_(parts_.engine), queue_(std::make_shared<Queue>(parts_.on_ready)) {
  start(parts_.after_revision);
}

ObjectWatch::~ObjectWatch() {
  queue_->close();
  parts_.engine.unwatch(queue_->watch_);
  --*parts_.count;
}

void ObjectWatch::start(uint64_t after_revision) {
  state::WatchRequest request;
  request.keys = state::KeyRange::prefix(parts_.prefix);
  request.after_revision = after_revision;
  const uint64_t epoch = queue_->begin();
  state::WatchCallbacks callbacks;
  callbacks.on_changes = [queue = queue_, epoch](uint64_t revision, const std::vector<state::Event>& events) {
    auto changes = changes_of(revision, events);
    if (!changes.empty()) queue->push(epoch, std::move(changes));
  };
  callbacks.on_progress = [queue = queue_, epoch](uint64_t revision) {
    std::vector<Change> bookmark(1);
    bookmark[0].revision = revision;
    queue->push(epoch, std::move(bookmark));
  };
  callbacks.on_end = [queue = queue_, epoch](Error why) { queue->end(epoch, std::move(why)); };
  queue_->watch_ = parts_.engine.watch(std::move(request), std::move(callbacks));
}

std::vector<ObjectWatch::Change> ObjectWatch::changes_of(uint64_t revision, const std::vector<state::Event>& events) {
  std::vector<Change> changes;
  for (const auto& event : events) {
    const auto key = parse_object_key(event.key());
    if (!key.ok()) continue;
    const auto same = [&key](const Change& change) {
      return change.ref.name == key->ref.name && change.ref.tenant == key->ref.tenant;
    };
    auto change = std::find_if(changes.begin(), changes.end(), same);
    if (change == changes.end()) {
      changes.push_back({revision, key->ref, nullptr, nullptr, false, false});
      change = changes.end() - 1;
    }
    if (key->part == ParsedKey::Part::kStatus) {
      change->status_before = event.previous;
    } else {
      change->spec_changed = true;
      change->spec_removed = event.removed();
      change->spec_before = event.previous;
    }
  }
  return changes;
}

Result<std::vector<Event>> ObjectWatch::take(size_t max) {
  std::vector<Event> events;
  while (events.size() < max) {
    const auto change = queue_->pop();
    if (!change) break;
    auto event = TRY(event_of(*change));
    if (event) {
      events.push_back(std::move(*event));
      bookmark_ = 0;
    } else {
      bookmark_ = change->revision;
    }
  }
  if (const auto revision = queue_->resume_after()) {
    parts_.engine.unwatch(queue_->watch_);
    start(*revision);
  }
  if (bookmark_ != 0 && events.size() < max) {
    events.push_back({Event::Type::kBookmark, {}, bookmark_});
    bookmark_ = 0;
  }
  if (!events.empty()) return events;
  if (auto why = queue_->ended()) return std::move(*why);
  return events;
}

Result<std::vector<Event>> ObjectWatch::wait(size_t max, uint64_t deadline_ns) {
  while (true) {
    auto events = TRY(take(max));
    if (!events.empty()) return events;
    const uint64_t now_ns = parts_.clock.monotonic_ns();
    if (now_ns >= deadline_ns || !queue_->wait_until(deadline_ns - now_ns)) {
      return Error{Code::kDeadlineExceeded, "nothing happened in time", "resource.watch-deadline"};
    }
  }
}

Result<std::optional<Event>> ObjectWatch::event_of(const Change& change) {
  if (change.ref.name.empty()) return std::optional<Event>();
  if (!change.spec_removed) {
    const auto object = TRY(objects_.read(change.ref, change.revision));
    if (!object) return std::optional<Event>();
    const bool fits = TRY(parts_.filter.matches(*object));
    if (fits) return std::optional<Event>(Event{Event::Type::kPut, shown(*object), change.revision});
  }
  const auto was = TRY(before(change));  // gone, or no longer among those that are wanted
  const bool fitted = was && TRY(parts_.filter.matches(*was));
  if (!fitted) return std::optional<Event>();
  return std::optional<Event>(Event{Event::Type::kDeleted, shown(*was), change.revision});
}

ObjectView ObjectWatch::shown(const StoredObject& object) const {
  ObjectView view = view_of(parts_.schema(), object);
  speak(view, parts_.version);
  return view;
}

Result<std::optional<StoredObject>> ObjectWatch::before(const Change& change) {
  const bool is_new = change.spec_changed && !change.spec_before;
  if (is_new) return std::optional<StoredObject>();
  if (parts_.filter.reads_fields() && !change.spec_removed) return objects_.read(change.ref, change.revision - 1);
  if (!change.spec_before) return std::optional<StoredObject>();  // a status changes no labels
  return std::optional<StoredObject>(TRY(stored_object(*change.spec_before, change.status_before.get())));
}

Result<WatchOptions> Store::watchable(const auth::ContextPtr& context, const WatchOptions& options) const {
  const auto schema = this->schema();
  const auto& newest = *TRY(impl_->kind_of(*schema, options.kind));
  const auto& kind = *TRY(impl_->version_of(newest, options.version));
  WatchOptions told;
  told.kind = kind.id;
  told.version = options.version;
  told.tenant = TRY(impl_->visible_tenant(context, "watch", kind, options.tenant));
  told.after_revision = impl_->options.engine.revision();
  return told;
}

Result<std::unique_ptr<Watch>> Store::watch(const auth::ContextPtr& context, const WatchOptions& wanted,
                                            std::function<void()> on_ready) {
  const auto schema = this->schema();
  const auto& newest = *TRY(impl_->kind_of(*schema, wanted.kind));
  const auto& kind = *TRY(impl_->version_of(newest, wanted.version));
  const std::string tenant = TRY(impl_->visible_tenant(context, "watch", kind, wanted.tenant));
  auto filter =
      TRY(Filter::parse(schema, kind, wanted.label_selector, wanted.field_selector, impl_->options.clock.real_ns()));
  if (impl_->watchers->fetch_add(1) >= kMaxWatchers) {
    --*impl_->watchers;
    return Error{Code::kResourceExhausted, "there are 2000 watches already", "resource.watchers"};
  }
  ObjectWatch::Parts parts{
      impl_->options.engine,
      impl_->options.clock,
      [impl = impl_.get()] { return impl->contracts.schema(); },
      tenant.empty() ? kind_prefix(kind.id) : tenant_prefix(kind.id, tenant),
      std::move(filter),
      wanted.after_revision,
      std::move(on_ready),
      impl_->watchers,
      context->chain.empty() ? nullptr : impl_->watching->add(kind.id, context->chain.back()->plugin),
      wanted.version};
  auto watch = std::make_unique<ObjectWatch>(std::move(parts));
  TRY(watch->take(0));  // the engine's refusal, if it refused
  return std::unique_ptr<Watch>(std::move(watch));
}

}  // namespace novacron::host::resource
