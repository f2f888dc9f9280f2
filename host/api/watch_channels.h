// Clients that watch the same objects share one watch and one text of each change.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/api/feed_log.h"
#include "host/base/worker_pool.h"
#include "host/resource/store.h"

namespace novacron::host::api {

inline constexpr size_t kMaxTakenChanges = 64;            ///< at once, of a watch
inline constexpr size_t kMaxSharedChanges = 1'024;        ///< who is farther behind watches by itself until it is not
inline constexpr size_t kMaxSharedBytes = 1'024 * 1'024;  ///< likewise

/// {"type":"PUT" | "DELETED" | "BOOKMARK","object":{…},"revision":1}, with what the controllers tell of the object.
Result<FeedMessage> message_of(const resource::Controllers& controllers, resource::Event& event);

/// [any] thread. One of a kind, a version, a tenant and a framing, as long as somebody watches it.
class WatchChannel final {
 public:
  WatchChannel(resource::Store& store, FeedFraming framing, uint64_t begin);
  /// `options` begin where the log begins.
  static Result<std::shared_ptr<WatchChannel>> open(resource::Store& store, Lane& lane, const auth::ContextPtr& context,
                                                    const resource::WatchOptions& options, FeedFraming framing);

  const std::shared_ptr<FeedLog>& log() const { return log_; }
  bool has_ended() const { return ended_; }
  /// Changes have come that nobody is about to make messages of, because all workers were busy.
  bool is_left_alone() const { return news_->ready && !news_->scheduled; }
  /// [worker] Makes messages of all that has come.
  void fill();
  /// What was told of objects may be told otherwise now: it is not told to those who come late.
  void forget_if_outdated();

 private:
  struct News {
    std::atomic<bool> ready = false;
    std::atomic<bool> scheduled = false;
  };
  static std::function<void()> on_ready(Lane& lane, const std::shared_ptr<WatchChannel>& channel);
  bool take_some();
  Status append(std::vector<resource::Event>& events, size_t count);

  resource::Store& store_;
  const FeedFraming framing_;
  const std::shared_ptr<FeedLog> log_;  ///< shared with the watch's callback, which must not end the watch
  const std::shared_ptr<News> news_ = std::make_shared<News>();  ///< likewise
  std::atomic<bool> ended_ = false;
  std::mutex mutex_;                   ///< held while messages are made
  std::vector<resource::Event> held_;  ///< of a revision that may have more
  std::shared_ptr<const contract::Schema> schema_;
  uint64_t controllers_version_ = 0;
  std::unique_ptr<resource::Watch> watch_;
};

/// [any] thread. Outlives its channels.
class WatchChannels final {
 public:
  WatchChannels(resource::Store& store, WorkerPool& pool);
  /// `options` without selectors; a new channel begins behind their revision.
  Result<std::shared_ptr<WatchChannel>> join(const auth::ContextPtr& context, const resource::WatchOptions& options,
                                             FeedFraming framing);

 private:
  resource::Store& store_;
  Lane lane_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<WatchChannel>> channels_;
};

}  // namespace novacron::host::api
