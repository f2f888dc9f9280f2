#include "host/api/event_feed.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>

#include "host/base/clock.h"

namespace novacron::host::api {
namespace {

using nlohmann::ordered_json;

constexpr size_t kHeadBytes = 320;  ///< of an event's text, about, besides its body

bool is_about(const bus::Event& event, const EventObject& object) {
  if (!event.body || event.body->find(object.name) == std::string::npos) return false;
  const auto body = nlohmann::json::parse(*event.body, nullptr, false);
  const auto is = [&body](const char* name, const std::string& value) {
    const auto found = body.find(name);
    return found != body.end() && found->is_string() && found->get_ref<const std::string&>() == value;
  };
  return body.is_object() && is("kind", object.kind) && is("name", object.name);
}

/// What the bus has given and the client has not taken yet.
struct Inbox {
  explicit Inbox(EventWish wanted) : wish(std::move(wanted)) {}

  void add(const bus::Batch& batch) {
    std::lock_guard lock(mutex);
    const bool was_empty = events.empty() && !end;
    missed += batch.missed;
    for (const auto& event : batch.events) {
      if (!is_wished(*event, wish)) continue;
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

  const EventWish wish;
  std::mutex mutex;
  std::deque<bus::EventPtr> events;
  uint64_t missed = 0;
  std::optional<Error> end;
  Signal signal;
};

class EventFeed final : public Feed {
 public:
  EventFeed(bus::Bus& bus, std::shared_ptr<EventTexts> texts, EventWish wish)
      : bus_(bus), texts_(std::move(texts)), inbox_(std::make_shared<Inbox>(wish)) {
    restarted_ = wish.interest.after && !bus.is_own(*wish.interest.after);
    wish.interest.max_queued = kMaxQueuedEvents;
    bus::Callbacks callbacks;
    callbacks.on_events = [inbox = inbox_](const bus::Batch& batch) { inbox->add(batch); };
    callbacks.on_end = [inbox = inbox_](Error why) { inbox->finish(std::move(why)); };
    subscription_ = bus_.subscribe(std::move(wish.interest), std::move(callbacks));
  }
  ~EventFeed() override { bus_.unsubscribe(subscription_); }

  Result<std::vector<FeedMessage>> take(size_t max) override {
    std::vector<bus::EventPtr> taken;
    const uint64_t missed = TRY(inbox_->take(max, taken));
    const auto texts = texts_->of(taken);
    std::vector<FeedMessage> messages;
    messages.reserve(taken.size());
    for (size_t i = 0; i < taken.size(); ++i) messages.push_back({texts[i], 0, cursor_of(*taken[i])});
    if (taken.empty()) return messages;
    const EventNotes notes{missed, std::exchange(restarted_, false)};
    if (notes.any())
      messages[0].json = std::make_shared<const std::string>(event_text(*taken[0], texts_->source(), notes));
    return messages;
  }
  bool is_quick() const override { return true; }
  Signal& signal() override { return inbox_->signal; }

  std::string last_words(const std::string& problem) const override {
    const uint64_t now_ns = system_clock().real_ns();
    const ordered_json json = {{"specversion", "1.0"},
                               {"id", "end-" + std::to_string(now_ns)},
                               {"source", texts_->source()},
                               {"type", kEventsEndedType},
                               {"time", time_text(now_ns)},
                               {"datacontenttype", "application/problem+json"},
                               {"data", ordered_json::parse(problem, nullptr, false)}};
    return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  }

 private:
  bus::Bus& bus_;
  const std::shared_ptr<EventTexts> texts_;  ///< all clients', so it goes with the last
  const std::shared_ptr<Inbox> inbox_;       ///< shared with the bus's callbacks
  bool restarted_ = false;                   ///< the next event is the first of another run
  bus::SubscriptionId subscription_ = 0;
};

}  // namespace

bool is_wished(const bus::Event& event, const EventWish& wish) {
  const bool in_time = event.time_ns >= wish.times.since_ns && event.time_ns <= wish.times.until_ns;
  return in_time && (!wish.object || is_about(event, *wish.object));
}

std::unique_ptr<Feed> follow_events(bus::Bus& bus, std::shared_ptr<EventTexts> texts, EventWish wish) {
  return std::make_unique<EventFeed>(bus, std::move(texts), std::move(wish));
}

}  // namespace novacron::host::api
