#include "host/api/event_channels.h"

#include "host/api/event_cursor.h"

namespace novacron::host::api {
namespace {

std::string key_of(const bus::Interest& interest, FeedFraming framing) {
  std::string key = framing == FeedFraming::kLines ? "lines " : "sse ";
  key += interest.pattern;
  if (interest.tenant) key.append(1, ' ').append(*interest.tenant);
  return key;
}

}  // namespace

EventChannel::EventChannel(bus::Bus& bus, std::string_view source, FeedFraming framing, uint64_t begin)
    : bus_(bus), framing_(framing), writer_(source), log_({kMaxQueuedEvents, kMaxLogBytes}, begin, this) {}

std::shared_ptr<EventChannel> EventChannel::open(bus::Bus& bus, const bus::Interest& interest, std::string_view source,
                                                 FeedFraming framing) {
  const uint64_t begin = bus.stats().last_sequence;
  std::shared_ptr<EventChannel> channel(new EventChannel(bus, source, framing, begin));
  channel->subscribe(interest, begin);
  return channel;
}

EventChannel::~EventChannel() {
  bus_.unsubscribe(subscription_);
}

void EventChannel::subscribe(const bus::Interest& interest, uint64_t begin) {
  bus::Interest wanted{interest.pattern, interest.tenant};
  wanted.after_sequence = begin;  // so that it has all behind it, whatever is published just now
  wanted.max_queued = bus::kMaxQueued;
  wanted.max_batch = bus::kMaxBatch;
  bus::Callbacks callbacks;
  callbacks.on_events = [weak = weak_from_this()](const bus::Batch& batch) {
    if (const auto self = weak.lock()) self->add(batch);
  };
  callbacks.on_end = [weak = weak_from_this()](Error why) {
    if (const auto self = weak.lock()) self->end(std::move(why));
  };
  subscription_ = bus_.subscribe(std::move(wanted), std::move(callbacks));
}

void EventChannel::add(const bus::Batch& batch) {
  {
    const std::lock_guard lock(mutex_);
    events_.insert(events_.end(), batch.events.begin(), batch.events.end());
    while (events_.size() > kMaxQueuedEvents) {  // then nobody has read for so long
      lost_ = events_.front()->sequence;
      events_.pop_front();
    }
  }
  log_.wake();
}

void EventChannel::end(Error why) {
  {
    const std::lock_guard lock(mutex_);
    end_ = std::move(why);
  }
  log_.wake();
}

std::optional<Error> EventChannel::ended() const {
  const std::lock_guard lock(mutex_);
  return events_.empty() ? end_ : std::nullopt;
}

FeedLog::Source::Made EventChannel::make() {
  Made made;
  std::vector<bus::EventPtr> events;
  size_t bytes = 0;
  {
    const std::lock_guard lock(mutex_);
    made.lost = std::exchange(lost_, 0);
    while (!events_.empty() && bytes < kBlockBytes) {
      bytes += kEventHeadBytes + (events_.front()->body ? events_.front()->body->size() : 0);
      events.push_back(std::move(events_.front()));
      events_.pop_front();
    }
  }
  if (events.empty()) return made;
  auto block = std::make_shared<FeedBlock>();
  block->bytes.reserve(bytes + bytes / 2);  // blocks of one event are kept by the thousand where somebody does not read
  block->marks.reserve(events.size());
  for (const auto& event : events) {
    if (framing_ == FeedFraming::kServerSentEvents)
      block->bytes.append("id: ").append(cursor_text(cursor_of(*event))).append("\ndata: ");
    writer_.append(block->bytes, *event);
    block->bytes.append(framing_ == FeedFraming::kServerSentEvents ? "\n\n" : "\n");
    block->marks.push_back({event->sequence, block->bytes.size()});
  }
  made.block = std::move(block);
  return made;
}

std::shared_ptr<EventChannel> EventChannels::join(const bus::Interest& interest, FeedFraming framing) {
  const std::lock_guard lock(mutex_);
  std::erase_if(channels_, [](const auto& entry) { return entry.second.expired(); });
  auto& known = channels_[key_of(interest, framing)];
  if (auto channel = known.lock(); channel && !channel->ended()) return channel;
  auto channel = EventChannel::open(bus_, interest, source_, framing);
  known = channel;
  return channel;
}

}  // namespace novacron::host::api
