#include "host/api/event_feed.h"

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>

#include "host/api/event_cursor.h"
#include "host/base/clock.h"
#include "host/contract/base64.h"
#include "host/contract/time_text.h"

namespace novacron::host::api {
namespace {

using nlohmann::ordered_json;

constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr uint64_t kMaxInteger = 2'147'483'647;  // of CloudEvents
constexpr std::string_view kStateSource = "/v1";

std::string time_text(uint64_t time_ns) {
  return contract::format_timestamp(
      {static_cast<int64_t>(time_ns / kNsPerSecond), static_cast<int32_t>(time_ns % kNsPerSecond)});
}

std::string source_of(const std::string& node) {
  return "/v1/nodes/" + node;
}

std::string text_in(const ordered_json& body, const char* name) {
  const auto found = body.find(name);
  return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
}

ordered_json body_of(const bus::Event& event) {
  if (!event.body || event.body->empty()) return ordered_json(ordered_json::value_t::discarded);
  return ordered_json::parse(*event.body, nullptr, false);
}

/// "novacron.core/Node/n1", of a body that names an object.
std::string subject_of(const ordered_json& body) {
  if (!body.is_object()) return {};
  const std::string kind = text_in(body, "kind");
  const std::string name = text_in(body, "name");
  return kind.empty() || name.empty() ? std::string() : kind + "/" + name;
}

void add_data(const bus::Event& event, ordered_json body, ordered_json& json) {
  if (!event.body || event.body->empty()) return;
  if (body.is_discarded()) {
    json["datacontenttype"] = "application/octet-stream";
    json["data_base64"] = contract::base64_encode(*event.body);
  } else {
    json["datacontenttype"] = "application/json";
    json["data"] = std::move(body);
  }
}

std::string dump(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

bus::Cursor cursor_of(const bus::Event& event) {
  return {event.sequence, event.state};
}

/// What the bus has given and the client has not taken yet.
struct Inbox {
  void add(const bus::Batch& batch) {
    std::lock_guard lock(mutex);
    missed += batch.missed;
    if (events.size() + batch.events.size() > kMaxQueuedEvents) {
      end = Error{Code::kOutOfRange, "the client is too slow: resume after the last event", "bus.overflow"};
    } else {
      events.insert(events.end(), batch.events.begin(), batch.events.end());
    }
    signal.raise();
  }
  void finish(Error why) {
    std::lock_guard lock(mutex);
    if (!end) end = std::move(why);
    signal.raise();
  }

  std::mutex mutex;
  std::deque<bus::EventPtr> events;
  uint64_t missed = 0;
  std::optional<Error> end;
  Signal signal;
};

class EventFeed final : public Feed {
 public:
  EventFeed(bus::Bus& bus, EventWish wish) : bus_(bus), object_(std::move(wish.object)), node_(std::move(wish.node)) {
    notes_.restarted = wish.interest.after && !bus.is_own(*wish.interest.after);
    bus::Callbacks callbacks;
    callbacks.on_events = [inbox = inbox_](const bus::Batch& batch) { inbox->add(batch); };
    callbacks.on_end = [inbox = inbox_](Error why) { inbox->finish(std::move(why)); };
    subscription_ = bus_.subscribe(std::move(wish.interest), std::move(callbacks));
  }
  ~EventFeed() override { bus_.unsubscribe(subscription_); }

  Result<std::vector<FeedMessage>> take(size_t max) override {
    std::vector<FeedMessage> messages;
    while (messages.empty()) {
      const auto taken = TRY(take_events(max));
      if (taken.empty()) break;
      for (const auto& event : taken) {
        if (object_ && !is_about(*event, *object_)) continue;
        messages.push_back({cloud_event(*event, node_, std::exchange(notes_, {})), cursor_text(cursor_of(*event))});
      }
    }
    return messages;
  }
  Signal& signal() override { return inbox_->signal; }

  std::string last_words(const std::string& problem) const override {
    const uint64_t now_ns = system_clock().real_ns();
    return dump({{"specversion", "1.0"},
                 {"id", "end-" + std::to_string(now_ns)},
                 {"source", source_of(node_)},
                 {"type", kEventsEndedType},
                 {"time", time_text(now_ns)},
                 {"datacontenttype", "application/problem+json"},
                 {"data", ordered_json::parse(problem, nullptr, false)}});
  }

 private:
  Result<std::vector<bus::EventPtr>> take_events(size_t max) {
    std::vector<bus::EventPtr> taken;
    std::lock_guard lock(inbox_->mutex);
    if (inbox_->events.empty() && inbox_->end) return *inbox_->end;
    while (taken.size() < max && !inbox_->events.empty()) {
      taken.push_back(std::move(inbox_->events.front()));
      inbox_->events.pop_front();
    }
    if (!taken.empty()) notes_.missed += std::exchange(inbox_->missed, 0);
    return taken;
  }

  bus::Bus& bus_;
  const std::optional<EventObject> object_;
  const std::string node_;
  EventNotes notes_;                                                ///< for the next event
  const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();  ///< shared with the bus's callbacks
  bus::SubscriptionId subscription_ = 0;
};

}  // namespace

std::string cloud_event(const bus::Event& event, const std::string& node, const EventNotes& notes) {
  auto body = body_of(event);
  ordered_json json = {{"specversion", "1.0"}};
  json["id"] = event.derived ? std::to_string(event.revision) + "-" + std::to_string(event.part)
                             : std::to_string(event.sequence);
  json["source"] = event.derived ? std::string(kStateSource) : source_of(node);
  json["type"] = event.subject;
  if (const auto subject = subject_of(body); !subject.empty()) json["subject"] = subject;
  json["time"] = time_text(event.time_ns);
  json["cursor"] = cursor_text(cursor_of(event));
  if (!event.tenant.empty()) json["tenant"] = event.tenant;
  if (event.revision != 0) json["revision"] = std::to_string(event.revision);
  if (!event.trace_parent.empty()) json["traceparent"] = event.trace_parent;
  if (notes.missed != 0) json["missed"] = std::min(notes.missed, kMaxInteger);
  if (notes.restarted) json["restarted"] = true;
  add_data(event, std::move(body), json);
  return dump(json);
}

bool is_about(const bus::Event& event, const EventObject& object) {
  const auto body = body_of(event);
  return body.is_object() && text_in(body, "kind") == object.kind && text_in(body, "name") == object.name;
}

std::unique_ptr<Feed> follow_events(bus::Bus& bus, EventWish wish) {
  return std::make_unique<EventFeed>(bus, std::move(wish));
}

}  // namespace novacron::host::api
