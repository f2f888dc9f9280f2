// Requests and responses as the API's own code sees them, without the library that carries them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "host/api/feed.h"
#include "host/auth/authenticator.h"
#include "host/base/fd.h"

namespace novacron::host::api {

enum class Method { kGet, kHead, kPost, kPut, kPatch, kDelete, kOther };
Method method_of(std::string_view name);
std::string_view to_string(Method method);

/// In order; names are compared without regard to case.
class Headers {
 public:
  void add(std::string name, std::string value);
  /// Replaces all of that name.
  void set(std::string name, std::string value);
  /// The first of that name; empty: none.
  std::string_view get(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return all_; }

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

bool equal_without_case(std::string_view a, std::string_view b);

struct Request {
  Method method = Method::kGet;
  std::string target;  ///< as sent: path and query, percent-encoded
  Headers headers;
  std::string body;
  auth::Peer peer;
  std::string id;             ///< X-Request-Id, taken over or made
  std::string trace_parent;   ///< W3C traceparent of this request, taken over or made
  uint64_t received_ns = 0;   ///< its head, monotonic; 0: not known
  bool is_websocket = false;  ///< asks to be upgraded
};

/// The rest of a file from its offset on.
struct FileBody {
  Fd fd;
  uint64_t size_bytes = 0;
};

/// Messages that come as long as both ends want.
struct FeedBody {
  enum class Format { kWebSocket, kLines, kServerSentEvents };
  std::unique_ptr<Feed> feed;
  Format format = Format::kLines;
};

/// WebSocket's messages are split from lines.
inline FeedFraming framing_of(FeedBody::Format format) {
  return format == FeedBody::Format::kServerSentEvents ? FeedFraming::kServerSentEvents : FeedFraming::kLines;
}

/// A stream socket to be joined with the client's WebSocket, see websocket.h.
struct BridgeBody {
  Fd socket;
};

/// A body that somebody writes into a stream socket, up to the end of that.
struct StreamBody {
  Fd socket;
  std::string first = {};                   ///< what comes before
  std::optional<uint64_t> size_bytes = {};  ///< of the whole: one that ends before breaks the connection
};

/// A stream socket with messages, to be joined with the client's WebSocket, see websocket_messages.cpp.
struct MessagesBody {
  Fd socket;
  std::string protocol;  ///< the subprotocol; empty: none
};

struct Response {
  int status = 200;
  Headers headers = {};
  std::variant<std::string, FileBody, FeedBody, BridgeBody, StreamBody, MessagesBody> body = std::string();
};

/// A response with a body of JSON.
Response json_response(int status, std::string body);

/// Takes the body of a request piece by piece. On worker threads, one call at a time. Destroyed early when the client
/// goes away.
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// An error ends the request with it.
  virtual Status write(std::string_view chunk) = 0;
  virtual Response finish() = 0;
};

/// Takes the body of a request as the bytes of a stream socket, and answers when it wants. Destroyed early when the
/// client goes away.
class BodyPipe {
 public:
  virtual ~BodyPipe() = default;
  /// Once: where the body goes. The end of writing is its end.
  virtual Fd take_socket() = 0;
  /// [worker] Blocks until there is an answer, which may be before the body has ended.
  virtual Response wait() = 0;
  /// [any] The rest of the body does not come.
  virtual void cancel() = 0;
};

/// What a server serves.
class Application {
 public:
  virtual ~Application() = default;
  /// [any] Quick. Whether begin() takes the request instead of handle(): its body may be of any size. By method, target
  /// and headers alone.
  virtual bool streams_body(const Request& head) const = 0;
  /// [worker] May block up to the deadlines of what it calls.
  virtual Response handle(const Request& request) = 0;
  /// [worker] The request is without its body. A response refuses it.
  virtual std::variant<Response, std::unique_ptr<BodySink>> begin(const Request& head) = 0;
  /// [any] Quick. Whether pipe() takes the request instead of handle() when its body is larger than what that gets.
  virtual bool pipes_body(const Request& head) const = 0;
  /// [worker] The request is without its body. A response refuses it.
  virtual std::variant<Response, std::shared_ptr<BodyPipe>> pipe(const Request& head) = 0;
};

}  // namespace novacron::host::api
