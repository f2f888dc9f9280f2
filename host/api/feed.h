// Messages to a client that come when there are some: watches and events.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/bus/bus.h"

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

using FeedText = std::shared_ptr<const std::string>;  ///< immutable, and shared by all clients that get it

struct FeedMessage {
  FeedText json;                           ///< one line
  uint64_t id = 0;                         ///< where to resume: SSE's id; 0: none
  std::optional<bus::Cursor> cursor = {};  ///< likewise, of an event; instead of the id
};

/// Messages as they go over the wire, framed: the rest of the bytes from there on. Several clients share them.
struct FeedPiece {
  FeedText bytes;
  size_t begin = 0;

  std::string_view view() const { return std::string_view(*bytes).substr(begin); }
};
using FeedPieces = std::vector<FeedPiece>;

enum class FeedFraming { kLines, kServerSentEvents };
void append_frame(std::string& out, const FeedMessage& message, FeedFraming framing);

/// One client's messages. Destruction ends what makes them.
class Feed {
 public:
  virtual ~Feed() = default;
  /// [connection's thread] Messages that were made for several clients, in the client's framing; empty: wait for
  /// signal(). None: take() is to be asked. An error is the end, of which the client is told.
  virtual Result<std::optional<FeedPieces>> take_shared() { return std::optional<FeedPieces>(); }
  /// [worker, unless it is quick] At most `max`, fewer when they are long, without waiting; none: wait for signal(). An
  /// error is the end, of which the client is told.
  virtual Result<std::vector<FeedMessage>> take(size_t max) = 0;
  /// Whether take() reads a disk or does much: then it runs on a worker. Else on the thread of the connection, which is
  /// two changes of threads nearer to the client.
  virtual bool is_quick() const { return false; }
  /// Raised when take() has something after it had nothing.
  virtual Signal& signal() = 0;
  /// One line that tells the client of the end; `problem` is RFC 9457's document of it.
  virtual std::string last_words(const std::string& problem) const;
};

}  // namespace novacron::host::api
