// A call as its caller sees it. Generated clients are made of these.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "novacron/channel.h"
#include "novacron/host.h"
#include "novacron/message.h"

namespace novacron {

/// Of a method without a timeout of its own.
inline constexpr uint64_t kDefaultTimeoutNs = 30'000'000'000;
/// Of a stream without a timeout of its own: the longest that the host allows.
inline constexpr uint64_t kDefaultStreamTimeoutNs = 3'600'000'000'000;

struct CallOptions {
  uint64_t timeout_ns = 0;   ///< 0: the method's own
  uint64_t deadline_ns = 0;  ///< on the clock of Host::now_ns(); it goes before the timeout. 0: none
  nc_context context = 0;    ///< on whose behalf, see Call::context(). 0: the plugin itself
  std::string idempotency_key = {};
  Fds fds = {};             ///< sent with the request, at most NC_FDS_MAX
  Fds* received = nullptr;  ///< where the descriptors of the reply go; null: they are closed
};

/// The caller's end of a call. Its destruction drops, and so cancels, the call.
class ClientCall {
 public:
  ClientCall(const nc_host* host, nc_call call, uint64_t deadline_ns, Fds* received)
      : channel_(host, call, deadline_ns), received_(received) {}
  /// One that has ended with `refusal` before it began.
  ClientCall(const nc_host* host, Error refusal) : channel_(host, 0, 0), refusal_(std::move(refusal)) {}
  ClientCall(ClientCall&& other) noexcept;
  ClientCall& operator=(ClientCall&&) = delete;
  ~ClientCall();

  Channel& channel() { return channel_; }
  /// Blocks until the call has ended: the bytes of its reply, or its error. They stay valid as long as this object.
  Result<std::string_view> wait();
  /// The result if it is there already, else `otherwise`.
  Error ended_with(Error otherwise);
  /// [any] thread. Asks the callee to stop; whoever reads or waits returns when it has.
  void cancel() const;

 private:
  Result<std::string_view> wait_until(uint64_t until_ns);

  Channel channel_;
  std::optional<Error> refusal_;
  Fds* received_ = nullptr;
  bool has_waited_ = false;
  bool is_owner_ = true;
};

/// Begins a call; never fails in place: what is wrong is the call's result. No body: a stream of requests follows.
ClientCall open_call(const Route& route, uint32_t method, std::optional<std::string> body, CallOptions options);
/// `done` gets the reply's bytes, valid until it returns.
void open_call_async(const Route& route, uint32_t method, std::string body, CallOptions options,
                     std::function<void(Result<std::string_view>)> done);
/// UNIMPLEMENTED "call.unimplemented".
Error unimplemented(std::string_view method);

template <Message Reply>
Result<Reply> decode_reply(Result<std::string_view> bytes) {
  if (!bytes.ok()) return std::move(bytes).error();
  auto reply = decode<Reply>(*bytes);
  if (!reply.ok())
    return Error{.code = Code::kInternal, .message = reply.error().message, .reason = reply.error().reason};
  return reply;
}

template <Message Reply, Message Request>
Result<Reply> call_unary(const Route& route, uint32_t method, const Request& request, CallOptions options) {
  ClientCall call = open_call(route, method, encode(request), std::move(options));
  return decode_reply<Reply>(call.wait());
}

template <Message Reply, Message Request>
void call_async(const Route& route, uint32_t method, const Request& request, std::function<void(Result<Reply>)> done,
                CallOptions options) {
  open_call_async(
      route, method, encode(request), std::move(options),
      [done = std::move(done)](Result<std::string_view> bytes) { done(decode_reply<Reply>(std::move(bytes))); });
}

/// The replies of a server stream. One thread reads; cancel() comes from any.
template <Message Reply>
class ReplyReader {
 public:
  explicit ReplyReader(ClientCall call) : call_(std::move(call)) {}

  /// The next reply; nothing when the stream has ended well. Its descriptors go to `fds`, or are closed.
  Result<std::optional<Reply>> next(Fds* fds = nullptr) {
    auto read = call_.channel().read();
    if (!read.ok() || !read->has_value()) return ended(std::move(read));
    if (fds != nullptr) *fds = (*read)->take_fds();
    auto reply = decode<Reply>((*read)->body());
    if (!reply.ok()) return std::move(reply).error();
    return std::optional<Reply>(*std::move(reply));
  }
  void cancel() const { call_.cancel(); }
  Channel& channel() { return call_.channel(); }

 private:
  // The call's result says why the stream ended; without one, the failed read does.
  Result<std::optional<Reply>> ended(Result<std::optional<Incoming>> read) {
    if (!read.ok()) return call_.ended_with(std::move(read).error());
    auto result = call_.wait();
    if (!result.ok()) return std::move(result).error();
    return std::optional<Reply>();
  }

  ClientCall call_;
};

/// The requests of a client stream.
template <Message Request, Message Reply>
class RequestWriter {
 public:
  explicit RequestWriter(ClientCall call) : call_(std::move(call)) {}

  /// Blocks while the callee takes nothing. After a failure, finish() says why.
  Status write(const Request& request, Fds fds = {}) {
    NC_TRY_STATUS(check_fds(fds));
    Outgoing message(encode(request), std::move(fds));
    return call_.channel().write(message);
  }
  /// No further request; the reply.
  Result<Reply> finish() {
    Outgoing end{BareEnd{}};
    // A callee that has already answered takes no end; its answer counts.
    (void)call_.channel().write(end);
    return decode_reply<Reply>(call_.wait());
  }
  void cancel() const { call_.cancel(); }

 private:
  ClientCall call_;
};

/// Requests and replies at the same time. One thread may read while another writes.
template <Message Request, Message Reply>
class Exchange {
 public:
  explicit Exchange(ClientCall call) : replies_(std::move(call)) {}

  Status write(const Request& request, Fds fds = {}) {
    NC_TRY_STATUS(check_fds(fds));
    Outgoing message(encode(request), std::move(fds));
    return replies_.channel().write(message);
  }
  Status finish_writing() {
    Outgoing end{BareEnd{}};
    return replies_.channel().write(end);
  }
  Result<std::optional<Reply>> next(Fds* fds = nullptr) { return replies_.next(fds); }
  void cancel() const { replies_.cancel(); }

 private:
  ReplyReader<Reply> replies_;
};

}  // namespace novacron
