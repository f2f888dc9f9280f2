#include "host/api/event_feed.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>

#include "host/base/clock.h"

namespace novacron::host::api {
namespace {

using nlohmann::ordered_json;

bool is_about(const bus::Event& event, const EventObject& object) {
  if (!event.body || event.body->find(object.name) == std::string::npos) return false;
  const auto body = nlohmann::json::parse(*event.body, nullptr, false);
  const auto is = [&body](const char* name, const std::string& value) {
    const auto found = body.find(name);
    return found != body.end() && found->is_string() && found->get_ref<const std::string&>() == value;
  };
  return body.is_object() && is("kind", object.kind) && is("name", object.name);
}

Error too_slow() {
  return {Code::kOutOfRange, "the client is too slow: resume after the last event", "bus.overflow"};
}

/// What the bus has given and the client has not taken yet.
struct Inbox {
  Inbox(EventWish wanted, std::shared_ptr<Signal> raised) : wish(std::move(wanted)), signal(std::move(raised)) {}

  void add(const bus::Batch& batch) {
    std::lock_guard lock(mutex);
    const bool was_empty = events.empty() && !end;
    missed += batch.missed;
    for (const auto& event : batch.events) {
      if (!is_wished(*event, wish)) continue;
      if (events.size() >= kMaxQueuedEvents) {
        end = too_slow();
        break;
      }
      events.push_back(event);
    }
    if (was_empty) signal->raise();
  }
  /// How many are missing before the first that is taken.
  Result<uint64_t> take(size_t max, std::vector<bus::EventPtr>& taken) {
    std::lock_guard lock(mutex);
    if (events.empty() && end) return *end;
    size_t bytes = 0;
    while (taken.size() < max && !events.empty()) {
      bytes += kEventHeadBytes + (events.front()->body ? events.front()->body->size() : 0);
      if (!taken.empty() && bytes > kMaxTakenBytes) break;
      taken.push_back(std::move(events.front()));
      events.pop_front();
    }
    return taken.empty() ? 0 : std::exchange(missed, 0);
  }
  void finish(Error why) {
    std::lock_guard lock(mutex);
    if (!end) end = std::move(why);
    signal->raise();
  }

  const EventWish wish;
  std::mutex mutex;
  std::deque<bus::EventPtr> events;
  uint64_t missed = 0;
  std::optional<Error> end;
  const std::shared_ptr<Signal> signal;  ///< the feed's
};

/// Whether the wish is one that others may have too.
bool is_common(const EventWish& wish) {
  return !wish.object && wish.times.since_ns == 0 && wish.times.until_ns == UINT64_MAX;
}

class EventFeed final : public Feed {
 public:
  EventFeed(std::shared_ptr<EventSources> sources, EventWish wish, FeedFraming framing)
      : sources_(std::move(sources)), signal_(std::make_shared<Signal>()) {
    const auto begin = is_common(wish) ? begin_of(wish.interest) : std::nullopt;
    if (is_common(wish)) channel_ = sources_->channels.join(wish.interest, framing);
    if (begin && share(begin == 0 ? sources_->bus.stats().last_sequence : *begin)) return;
    subscribe(std::move(wish));
  }
  ~EventFeed() override { unsubscribe(); }

  Result<std::optional<FeedPieces>> take_shared() override {
    if (!reader_) return std::optional<FeedPieces>();
    auto pieces = reader_->read();
    if (!pieces) return too_slow();
    const auto end = pieces->empty() ? channel_->ended() : std::nullopt;
    if (end) return *end;
    return pieces;
  }

  Result<std::vector<FeedMessage>> take(size_t max) override {
    std::vector<bus::EventPtr> taken;
    const uint64_t missed = TRY(inbox_->take(max, taken));
    const auto texts = sources_->texts.of(taken);
    std::vector<FeedMessage> messages;
    messages.reserve(taken.size());
    for (size_t i = 0; i < taken.size(); ++i) messages.push_back({texts[i], 0, cursor_of(*taken[i])});
    if (taken.empty()) {
      if (last_ != 0 && channel_ && share(last_)) unsubscribe();
      return messages;
    }
    last_ = taken.back()->sequence;
    const EventNotes notes{missed, std::exchange(restarted_, false)};
    if (notes.any())
      messages[0].json = std::make_shared<const std::string>(event_text(*taken[0], sources_->texts.source(), notes));
    return messages;
  }
  bool is_quick() const override { return true; }
  Signal& signal() override { return *signal_; }

  std::string last_words(const std::string& problem) const override {
    const uint64_t now_ns = system_clock().real_ns();
    const ordered_json json = {{"specversion", "1.0"},
                               {"id", "end-" + std::to_string(now_ns)},
                               {"source", sources_->texts.source()},
                               {"type", kEventsEndedType},
                               {"time", time_text(now_ns)},
                               {"datacontenttype", "application/problem+json"},
                               {"data", ordered_json::parse(problem, nullptr, false)}};
    return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  }

 private:
  /// Behind which event of this bus it begins; 0: from now on. None: where only a subscription knows.
  std::optional<uint64_t> begin_of(const bus::Interest& interest) const {
    if (interest.after_sequence != 0 || interest.after_revision != 0) return std::nullopt;
    if (!interest.after) return 0;
    if (!sources_->bus.is_own(*interest.after)) return std::nullopt;
    return interest.after->sequence;
  }

  bool share(uint64_t after) {
    if (channel_->ended() || !channel_->log().reaches(after)) return false;
    reader_.emplace(std::shared_ptr<FeedLog>(channel_, &channel_->log()), after, signal_);
    signal_->raise();  // it may have something already
    return true;
  }

  void subscribe(EventWish wish) {
    inbox_ = std::make_shared<Inbox>(wish, signal_);
    restarted_ = wish.interest.after && !sources_->bus.is_own(*wish.interest.after);
    wish.interest.max_queued = kMaxQueuedEvents;
    bus::Callbacks callbacks;
    callbacks.on_events = [inbox = inbox_](const bus::Batch& batch) { inbox->add(batch); };
    callbacks.on_end = [inbox = inbox_](Error why) { inbox->finish(std::move(why)); };
    subscription_ = sources_->bus.subscribe(std::move(wish.interest), std::move(callbacks));
  }

  void unsubscribe() {
    if (subscription_ != 0) sources_->bus.unsubscribe(std::exchange(subscription_, 0));
  }

  const std::shared_ptr<EventSources> sources_;  ///< all clients', so it goes with the last
  const std::shared_ptr<Signal> signal_;         ///< shared with who raises it
  std::shared_ptr<EventChannel> channel_;        ///< null: nobody else has such a wish
  std::optional<FeedLog::Reader> reader_;        ///< none: it has a subscription
  std::shared_ptr<Inbox> inbox_;                 ///< shared with the bus's callbacks
  uint64_t last_ = 0;                            ///< that came by the subscription
  bool restarted_ = false;                       ///< the next event is the first of another run
  bus::SubscriptionId subscription_ = 0;
};

}  // namespace

bool is_wished(const bus::Event& event, const EventWish& wish) {
  const bool in_time = event.time_ns >= wish.times.since_ns && event.time_ns <= wish.times.until_ns;
  return in_time && (!wish.object || is_about(event, *wish.object));
}

std::unique_ptr<Feed> follow_events(std::shared_ptr<EventSources> sources, EventWish wish, FeedFraming framing) {
  return std::make_unique<EventFeed>(std::move(sources), std::move(wish), framing);
}

}  // namespace novacron::host::api
