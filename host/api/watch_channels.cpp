#include "host/api/watch_channels.h"

#include <algorithm>
#include <iterator>

#include "host/resource/controllers.h"

namespace novacron::host::api {
namespace {

constexpr size_t kMostFilledAtOnce = 2;  ///< channels; each has work for one thread
constexpr size_t kMostWaiting = 2'048;

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

std::string key_of(const resource::WatchOptions& options, FeedFraming framing) {
  const std::string form = framing == FeedFraming::kLines ? " lines" : " sse";
  return options.kind + ' ' + options.tenant + ' ' + options.version + form;
}

}  // namespace

Result<FeedMessage> message_of(const resource::Controllers& controllers, resource::Event& event) {
  controllers.tell(event.object);
  std::string json = R"({"type":")" + std::string(type_name(event.type)) + "\"";
  if (event.type != resource::Event::Type::kBookmark) json += ",\"object\":" + TRY(resource::to_json(event.object));
  const std::string revision = std::to_string(event.revision);
  return FeedMessage{std::make_shared<const std::string>(json + ",\"revision\":" + revision + "}"), event.revision};
}

WatchChannel::WatchChannel(resource::Store& store, FeedFraming framing, uint64_t begin)
    : store_(store),
      framing_(framing),
      log_(std::make_shared<FeedLog>(FeedLog::Limits{kMaxSharedChanges, kMaxSharedBytes}, begin)) {}

Result<std::shared_ptr<WatchChannel>> WatchChannel::open(resource::Store& store, Lane& lane,
                                                         const auth::ContextPtr& context,
                                                         const resource::WatchOptions& options, FeedFraming framing) {
  auto channel = std::make_shared<WatchChannel>(store, framing, options.after_revision);
  const std::lock_guard lock(channel->mutex_);  // something may come before it is open
  channel->watch_ = TRY(store.watch(context, options, on_ready(lane, channel)));
  return channel;
}

/// It never holds the channel, whose end waits for it.
std::function<void()> WatchChannel::on_ready(Lane& lane, const std::shared_ptr<WatchChannel>& channel) {
  return [&lane, news = channel->news_, log = channel->log_, weak = std::weak_ptr(channel)] {
    news->ready = true;
    if (news->scheduled.exchange(true)) return;
    const auto posted = lane.post([news, weak] {
      news->scheduled = false;
      if (const auto alive = weak.lock()) alive->fill();
    });
    if (posted.ok()) return;
    news->scheduled = false;
    log->wake();  // one of the clients does it
  };
}

void WatchChannel::fill() {
  const std::lock_guard lock(mutex_);
  while (!ended_ && take_some()) {
  }
}

/// False: there is no more, or it has ended.
bool WatchChannel::take_some() {
  news_->ready = false;
  auto taken = watch_->take(kMaxTakenChanges);
  if (!taken.ok()) {
    ended_ = true;
    log_->wake();
    return false;
  }
  const bool is_all = taken->size() < kMaxTakenChanges;
  std::move(taken->begin(), taken->end(), std::back_inserter(held_));
  size_t whole = held_.size();
  if (!is_all) {  // the rest of the last revision may come with the next ones
    while (whole > 0 && held_[whole - 1].revision == held_.back().revision) --whole;
  }
  if (!append(held_, whole).ok()) ended_ = true;
  if (ended_) log_->wake();
  held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(whole));
  return !is_all;
}

Status WatchChannel::append(std::vector<resource::Event>& events, size_t count) {
  if (count == 0) return {};
  auto block = std::make_shared<FeedBlock>();
  for (size_t i = 0; i < count; ++i) {
    append_frame(block->bytes, TRY(message_of(store_.controllers(), events[i])), framing_);
    block->marks.push_back({events[i].revision, block->bytes.size()});
  }
  log_->append(std::move(block));
  return {};
}

void WatchChannel::forget_if_outdated() {
  const std::lock_guard lock(mutex_);
  auto schema = store_.schema();
  const uint64_t version = store_.controllers().version();
  if (schema == schema_ && version == controllers_version_) return;
  schema_ = std::move(schema);
  controllers_version_ = version;
  log_->clear();
}

WatchChannels::WatchChannels(resource::Store& store, WorkerPool& pool)
    : store_(store), lane_(pool, Lane::Options{"watches", kMostFilledAtOnce, kMostWaiting}) {}

Result<std::shared_ptr<WatchChannel>> WatchChannels::join(const auth::ContextPtr& context,
                                                          const resource::WatchOptions& options, FeedFraming framing) {
  const std::lock_guard lock(mutex_);
  std::erase_if(channels_, [](const auto& entry) { return entry.second.expired(); });
  auto& known = channels_[key_of(options, framing)];
  auto channel = known.lock();
  if (!channel || channel->has_ended()) channel = TRY(WatchChannel::open(store_, lane_, context, options, framing));
  channel->forget_if_outdated();
  known = channel;
  return channel;
}

}  // namespace novacron::host::api
