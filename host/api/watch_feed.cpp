#include "host/api/watch_feed.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>

#include "host/resource/controllers.h"

namespace novacron::host::api {
namespace {

// ---- resources

std::string_view type_name(resource::Event::Type type) {
  switch (type) {
    case resource::Event::Type::kPut:
      return "PUT";
    case resource::Event::Type::kDeleted:
      return "DELETED";
    case resource::Event::Type::kBookmark:
      return "BOOKMARK";
  }
  return "";
}

Result<FeedMessage> to_message(const resource::Event& event) {
  std::string json = R"({"type":")" + std::string(type_name(event.type)) + "\"";
  if (event.type != resource::Event::Type::kBookmark) json += ",\"object\":" + TRY(resource::to_json(event.object));
  const std::string revision = std::to_string(event.revision);
  return FeedMessage{std::make_shared<const std::string>(json + ",\"revision\":" + revision + "}"), event.revision};
}

class WatchFeed final : public Feed {
 public:
  WatchFeed(const resource::Controllers& controllers, std::shared_ptr<Signal> signal,
            std::unique_ptr<resource::Watch> watch)
      : controllers_(controllers), signal_(std::move(signal)), watch_(std::move(watch)) {}

  Result<std::vector<FeedMessage>> take(size_t max) override {
    auto events = TRY(watch_->take(std::min(max, kMaxTakenChanges)));
    std::vector<FeedMessage> messages;
    messages.reserve(events.size());
    for (auto& event : events) {
      controllers_.tell(event.object);
      messages.push_back(TRY(to_message(event)));
    }
    return messages;
  }
  Signal& signal() override { return *signal_; }

 private:
  const resource::Controllers& controllers_;
  const std::shared_ptr<Signal> signal_;  ///< shared with the watch's callback
  const std::unique_ptr<resource::Watch> watch_;
};

// ---- events

constexpr size_t kHeadBytes = 160;  ///< of an event's text, about, besides its body

/// What the bus has given and the client has not taken yet.
struct Inbox {
  explicit Inbox(EventTimes wanted) : times(wanted) {}

  void add(const bus::Batch& batch) {
    std::lock_guard lock(mutex);
    const bool was_empty = events.empty() && !end;
    missed += batch.missed;
    for (const auto& event : batch.events) {
      if (event->time_ns < times.since_ns || event->time_ns > times.until_ns) continue;
      if (events.size() >= kMaxQueuedEvents) {
        end = Error{Code::kOutOfRange, "the client is too slow: resume after the last event", "bus.overflow"};
        break;
      }
      events.push_back(event);
    }
    if (was_empty) signal.raise();
  }
  /// How many are missing before the first that is taken.
  Result<uint64_t> take(size_t max, std::vector<bus::EventPtr>& taken) {
    std::lock_guard lock(mutex);
    if (events.empty() && end) return *end;
    size_t bytes = 0;
    while (taken.size() < max && !events.empty()) {
      bytes += kHeadBytes + (events.front()->body ? events.front()->body->size() : 0);
      if (!taken.empty() && bytes > kMaxTakenBytes) break;
      taken.push_back(std::move(events.front()));
      events.pop_front();
    }
    return taken.empty() ? 0 : std::exchange(missed, 0);
  }
  void finish(Error why) {
    std::lock_guard lock(mutex);
    if (!end) end = std::move(why);
    signal.raise();
  }

  const EventTimes times;
  std::mutex mutex;
  std::deque<bus::EventPtr> events;
  uint64_t missed = 0;
  std::optional<Error> end;
  Signal signal;
};

class EventFeed final : public Feed {
 public:
  EventFeed(bus::Bus& bus, std::shared_ptr<EventTexts> texts, bus::Interest interest, EventTimes times)
      : bus_(bus), texts_(std::move(texts)), inbox_(std::make_shared<Inbox>(times)) {
    interest.max_queued = kMaxQueuedEvents;
    bus::Callbacks callbacks;
    callbacks.on_events = [inbox = inbox_](const bus::Batch& batch) { inbox->add(batch); };
    callbacks.on_end = [inbox = inbox_](Error why) { inbox->finish(std::move(why)); };
    subscription_ = bus_.subscribe(std::move(interest), std::move(callbacks));
  }
  ~EventFeed() override { bus_.unsubscribe(subscription_); }

  Result<std::vector<FeedMessage>> take(size_t max) override {
    std::vector<bus::EventPtr> taken;
    const uint64_t missed = TRY(inbox_->take(max, taken));
    const auto texts = texts_->of(taken);
    std::vector<FeedMessage> messages;
    messages.reserve(taken.size());
    for (size_t i = 0; i < taken.size(); ++i) messages.push_back({texts[i], taken[i]->sequence});
    if (missed != 0) messages[0].json = std::make_shared<const std::string>(event_text(*taken[0], missed));
    return messages;
  }
  bool is_quick() const override { return true; }
  Signal& signal() override { return inbox_->signal; }

 private:
  bus::Bus& bus_;
  const std::shared_ptr<EventTexts> texts_;  ///< all clients', so it goes with the last
  const std::shared_ptr<Inbox> inbox_;       ///< shared with the bus's callbacks
  bus::SubscriptionId subscription_ = 0;
};

}  // namespace

Result<std::unique_ptr<Feed>> watch_resources(resource::Store& store, const auth::ContextPtr& context,
                                              const resource::WatchOptions& options) {
  auto signal = std::make_shared<Signal>();
  auto watch = TRY(store.watch(context, options, [signal] { signal->raise(); }));
  return std::unique_ptr<Feed>(std::make_unique<WatchFeed>(store.controllers(), signal, std::move(watch)));
}

std::unique_ptr<Feed> follow_events(bus::Bus& bus, std::shared_ptr<EventTexts> texts, bus::Interest interest,
                                    EventTimes times) {
  return std::make_unique<EventFeed>(bus, std::move(texts), std::move(interest), times);
}

}  // namespace novacron::host::api
