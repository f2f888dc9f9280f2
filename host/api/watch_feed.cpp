#include "host/api/watch_feed.h"

#include <algorithm>

namespace novacron::host::api {
namespace {

class WatchFeed final : public Feed {
 public:
  WatchFeed(resource::Store& store, auth::ContextPtr context, resource::WatchOptions options)
      : store_(store),
        context_(std::move(context)),
        options_(std::move(options)),
        signal_(std::make_shared<Signal>()) {}

  /// False: the channel does not reach back so far.
  bool share(std::shared_ptr<WatchChannel> channel) {
    channel_ = std::move(channel);
    return share();
  }

  Status watch_alone() {
    watch_ = TRY(store_.watch(context_, options_, [signal = signal_] { signal->raise(); }));
    return {};
  }

  Result<std::optional<FeedPieces>> take_shared() override {
    if (!reader_) return std::optional<FeedPieces>();
    auto pieces = reader_->read();
    if (!pieces) return pieces;
    if (pieces->empty() && (channel_->has_ended() || channel_->is_left_alone())) pieces.reset();
    return pieces;
  }

  Result<std::vector<FeedMessage>> take(size_t max) override {
    if (reader_ && channel_->is_left_alone()) {
      channel_->fill();
      signal_->raise();
      return std::vector<FeedMessage>();
    }
    if (reader_) TRY_STATUS(stop_sharing());
    return take_alone(max);
  }
  Signal& signal() override { return *signal_; }

 private:
  bool share() {
    if (channel_->has_ended() || !channel_->log()->reaches(options_.after_revision)) return false;
    reader_.emplace(channel_->log(), options_.after_revision, signal_);
    watch_.reset();
    signal_->raise();  // it may have something already
    return true;
  }

  /// The channel has ended, or is too far ahead.
  Status stop_sharing() {
    options_.after_revision = reader_->after();
    reader_.reset();
    return watch_alone();
  }

  Result<std::vector<FeedMessage>> take_alone(size_t max) {
    auto events = TRY(watch_->take(std::min(max, kMaxTakenChanges)));
    std::vector<FeedMessage> messages;
    messages.reserve(events.size());
    for (auto& event : events) messages.push_back(TRY(message_of(store_.controllers(), event)));
    if (!events.empty()) options_.after_revision = events.back().revision;
    if (events.empty() && channel_) share();
    return messages;
  }

  resource::Store& store_;
  const auth::ContextPtr context_;
  resource::WatchOptions options_;          ///< its revision is the last that was told, unless it shares
  const std::shared_ptr<Signal> signal_;    ///< shared with who raises it
  std::shared_ptr<WatchChannel> channel_;   ///< null: it never shares
  std::optional<FeedLog::Reader> reader_;   ///< none: it watches by itself
  std::unique_ptr<resource::Watch> watch_;  ///< null: it shares
};

/// Whether others may watch just the same. A plugin's watch is one by itself, since it is known who watches.
bool is_common(const auth::Context& context, const resource::WatchOptions& options) {
  return context.chain.empty() && options.label_selector.empty() && options.field_selector.empty();
}

}  // namespace

Result<std::unique_ptr<Feed>> watch_resources(resource::Store& store, WatchChannels& channels,
                                              const auth::ContextPtr& context, const resource::WatchOptions& options,
                                              FeedFraming framing) {
  if (!is_common(*context, options)) {
    auto alone = std::make_unique<WatchFeed>(store, context, options);
    TRY_STATUS(alone->watch_alone());
    return std::unique_ptr<Feed>(std::move(alone));
  }
  const auto now = TRY(store.watchable(context, options));
  auto from = now;
  if (options.after_revision != 0) from.after_revision = options.after_revision;
  auto feed = std::make_unique<WatchFeed>(store, context, from);
  auto channel = channels.join(context, now, framing);
  const bool shares = channel.ok() && from.after_revision <= now.after_revision && feed->share(*std::move(channel));
  if (!shares) TRY_STATUS(feed->watch_alone());
  return std::unique_ptr<Feed>(std::move(feed));
}

}  // namespace novacron::host::api
