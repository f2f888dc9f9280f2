// Messages to a client that come when there are some: watches and events.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/base/result.h"

namespace novacron::host::api {

/// "There is something": remembered until somebody listens. [any] thread.
class Signal {
 public:
  /// Calls the listener; without one, the next gets the call.
  void raise();
  /// `listener` is quick and blocks nothing. Called at once if raise() came before. Null: nobody listens any more; a
  /// call under way has then returned.
  void listen(std::function<void()> listener);

 private:
  std::mutex mutex_;
  std::function<void()> listener_;
  bool raised_ = false;
};

struct FeedMessage {
  std::string json;  ///< one line
  std::string id;    ///< where to resume: SSE's id
};

/// One client's messages. Destruction ends what makes them.
class Feed {
 public:
  virtual ~Feed() = default;
  /// [worker] At most `max`, without waiting; none: wait for signal(). An error is the end, of which the client is
  /// told.
  virtual Result<std::vector<FeedMessage>> take(size_t max) = 0;
  /// Raised when take() has something after it had nothing.
  virtual Signal& signal() = 0;
  /// One line that tells the client of the end; `problem` is RFC 9457's document of it.
  virtual std::string last_words(const std::string& problem) const;
};

}  // namespace novacron::host::api
