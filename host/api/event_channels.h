// Clients that follow the same events from now on share one subscription and one text of each event.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "host/api/event_texts.h"
#include "host/api/feed_log.h"
#include "host/bus/bus.h"

namespace novacron::host::api {

inline constexpr size_t kMaxQueuedEvents = 4'096;          ///< of one client; then its feed ends with "bus.overflow"
inline constexpr size_t kMaxLogBytes = 4 * 1'024 * 1'024;  ///< likewise, where clients share
inline constexpr size_t kBlockBytes = 32 * 1'024;          ///< made at once, unless one text alone is longer

/// [any] thread. One of a pattern, a tenant and a framing, as long as somebody follows it.
class EventChannel final : public std::enable_shared_from_this<EventChannel>, private FeedLog::Source {
 public:
  /// Of the interest only pattern and tenant count.
  static std::shared_ptr<EventChannel> open(bus::Bus& bus, const bus::Interest& interest, std::string_view source,
                                            FeedFraming framing);
  ~EventChannel() override;

  FeedLog& log() { return log_; }
  /// Why it tells no more.
  std::optional<Error> ended() const;

 private:
  EventChannel(bus::Bus& bus, std::string_view source, FeedFraming framing, uint64_t begin);
  void subscribe(const bus::Interest& interest, uint64_t begin);
  void add(const bus::Batch& batch);
  void end(Error why);
  Made make() override;

  bus::Bus& bus_;
  const FeedFraming framing_;
  EventWriter writer_;  ///< guarded by the log's lock
  FeedLog log_;
  mutable std::mutex mutex_;
  std::deque<bus::EventPtr> events_;  ///< without a text yet
  uint64_t lost_ = 0;                 ///< the last that went without one
  std::optional<Error> end_;
  bus::SubscriptionId subscription_ = 0;
};

/// [any] thread.
class EventChannels final {
 public:
  EventChannels(bus::Bus& bus, std::string source) : bus_(bus), source_(std::move(source)) {}
  std::shared_ptr<EventChannel> join(const bus::Interest& interest, FeedFraming framing);

 private:
  bus::Bus& bus_;
  const std::string source_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<EventChannel>> channels_;
};

}  // namespace novacron::host::api
