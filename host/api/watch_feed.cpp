#include "host/api/watch_feed.h"

#include <deque>
#include <nlohmann/json.hpp>
#include <optional>

#include "host/contract/base64.h"
#include "host/contract/time_text.h"
#include "host/resource/controllers.h"

namespace novacron::host::api {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

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
  return FeedMessage{json + ",\"revision\":" + revision + "}", revision};
}

class WatchFeed final : public Feed {
 public:
  WatchFeed(const resource::Controllers& controllers, std::shared_ptr<Signal> signal,
            std::unique_ptr<resource::Watch> watch)
      : controllers_(controllers), signal_(std::move(signal)), watch_(std::move(watch)) {}

  Result<std::vector<FeedMessage>> take(size_t max) override {
    auto events = TRY(watch_->take(max));
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

/// What the bus has given and the client has not taken yet.
struct Inbox {
  explicit Inbox(EventTimes wanted) : times(wanted) {}

  void add(const bus::Batch& batch) {
    std::lock_guard lock(mutex);
    missed += batch.missed;
    for (const auto& event : batch.events) {
      if (event->time_ns < times.since_ns || event->time_ns > times.until_ns) continue;
      if (events.size() >= kMaxQueuedEvents) {
        end = Error{Code::kOutOfRange, "the client is too slow: resume after the last event", "bus.overflow"};
        break;
      }
      events.push_back(event);
    }
    signal.raise();
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

FeedMessage to_message(const bus::Event& event, uint64_t missed) {
  const auto time_ns = static_cast<int64_t>(event.time_ns);
  nlohmann::ordered_json json = {
      {"sequence", event.sequence},
      {"subject", event.subject},
      {"time", contract::format_timestamp({time_ns / kNsPerSecond, static_cast<int32_t>(time_ns % kNsPerSecond)})}};
  if (!event.tenant.empty()) json["tenant"] = event.tenant;
  if (event.revision != 0) json["revision"] = event.revision;
  if (!event.trace_parent.empty()) json["trace_parent"] = event.trace_parent;
  if (missed != 0) json["missed"] = missed;
  if (event.body && !event.body->empty()) {
    auto body = nlohmann::ordered_json::parse(*event.body, nullptr, false);
    if (body.is_discarded())
      json["body_base64"] = contract::base64_encode(*event.body);
    else
      json["body"] = std::move(body);
  }
  return {json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace), std::to_string(event.sequence)};
}

class EventFeed final : public Feed {
 public:
  EventFeed(bus::Bus& bus, bus::Interest interest, EventTimes times)
      : bus_(bus), inbox_(std::make_shared<Inbox>(times)) {
    bus::Callbacks callbacks;
    callbacks.on_events = [inbox = inbox_](const bus::Batch& batch) { inbox->add(batch); };
    callbacks.on_end = [inbox = inbox_](Error why) { inbox->finish(std::move(why)); };
    subscription_ = bus_.subscribe(std::move(interest), std::move(callbacks));
  }
  ~EventFeed() override { bus_.unsubscribe(subscription_); }

  Result<std::vector<FeedMessage>> take(size_t max) override {
    std::vector<bus::EventPtr> taken;
    uint64_t missed = 0;
    {
      std::lock_guard lock(inbox_->mutex);
      if (inbox_->events.empty() && inbox_->end) return *inbox_->end;
      while (taken.size() < max && !inbox_->events.empty()) {
        taken.push_back(std::move(inbox_->events.front()));
        inbox_->events.pop_front();
      }
      if (!taken.empty()) missed = std::exchange(inbox_->missed, 0);
    }
    std::vector<FeedMessage> messages;
    for (const auto& event : taken) messages.push_back(to_message(*event, std::exchange(missed, 0)));
    return messages;
  }
  Signal& signal() override { return inbox_->signal; }

 private:
  bus::Bus& bus_;
  const std::shared_ptr<Inbox> inbox_;  ///< shared with the bus's callbacks
  bus::SubscriptionId subscription_ = 0;
};

}  // namespace

Result<std::unique_ptr<Feed>> watch_resources(resource::Store& store, const auth::ContextPtr& context,
                                              const resource::WatchOptions& options) {
  auto signal = std::make_shared<Signal>();
  auto watch = TRY(store.watch(context, options, [signal] { signal->raise(); }));
  return std::unique_ptr<Feed>(std::make_unique<WatchFeed>(store.controllers(), signal, std::move(watch)));
}

std::unique_ptr<Feed> follow_events(bus::Bus& bus, bus::Interest interest, EventTimes times) {
  return std::make_unique<EventFeed>(bus, std::move(interest), times);
}

}  // namespace novacron::host::api
