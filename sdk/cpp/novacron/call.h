// A call as its callee sees it, and the streams of its messages.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "novacron/channel.h"
#include "novacron/client.h"
#include "novacron/message.h"

namespace novacron {

/// Who calls. Strings are copies.
struct Caller {
  std::string principal = {};
  std::string tenant = {};
  std::string plugin = {};  ///< the immediate caller; empty for a user
  std::string node = {};
  std::string trace_parent = {};  ///< W3C traceparent
  std::string lease = {};         ///< of the singleton that calls
  uint64_t fence = 0;
};

/// Lives while its method runs.
class Call {
 public:
  Call(const nc_host* host, const nc_request& request);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();

  /// On the clock of Host::now_ns().
  uint64_t deadline_ns() const { return channel_.deadline_ns(); }
  /// The caller has gone, or the deadline has passed: stop, whatever is returned is not seen.
  bool cancelled() const { return host_->cancelled(host_->self, channel_.call()) != 0; }
  Result<Caller> caller() const;
  /// On whose behalf: for CallOptions::context of nested calls.
  nc_context context() const { return context_; }
  /// Options of a nested call on the caller's behalf, within this call's deadline.
  CallOptions on_behalf() const;
  /// Same key, same method, same caller: same effect. Empty: none was given.
  std::string_view idempotency_key() const { return idempotency_key_; }
  /// That the caller named; empty: none. A provider that stands for several nodes goes by it.
  std::string_view node() const { return node_; }

  /// The descriptors that came with the request.
  Fds take_fds();
  /// Sends a descriptor with the reply. At most NC_FDS_MAX.
  void attach(Fd fd) { reply_fds_.push_back(std::move(fd)); }

  // For generated code.
  std::optional<Incoming>& first_message() { return first_; }
  Channel& channel() { return channel_; }
  void finish(const Status& status);
  void finish(std::string reply);
  bool is_finished() const { return is_finished_; }

 private:
  const nc_host* host_;
  Channel channel_;
  nc_context context_;
  std::string idempotency_key_;
  std::string node_;
  std::optional<Incoming> first_;
  Fds reply_fds_;
  bool is_finished_ = false;
};

/// The messages that a client streams.
template <Message T>
class Reader {
 public:
  explicit Reader(Call& call) : call_(call) {}

  /// The next message; nothing at the end. Its descriptors go to `fds`, or are closed.
  Result<std::optional<T>> next(Fds* fds = nullptr) {
    std::optional<Incoming> message;
    if (call_.first_message()) {
      message.emplace(*std::exchange(call_.first_message(), std::nullopt));
      ended_ = message->is_last();
      if (message->is_bare_end()) return std::optional<T>();
    } else if (!ended_) {
      auto read = call_.channel().read();
      if (!read.ok()) return std::move(read).error();
      if (read->has_value()) message.emplace(*std::move(*read));
    }
    if (!message) return std::optional<T>();
    if (fds != nullptr) *fds = message->take_fds();
    auto decoded = decode<T>(message->body());
    if (!decoded.ok()) return std::move(decoded).error();
    return std::optional<T>(*std::move(decoded));
  }

 private:
  Call& call_;
  bool ended_ = false;
};

/// The messages that a server streams.
template <Message T>
class Writer {
 public:
  explicit Writer(Channel& channel) : channel_(channel) {}

  /// Blocks while the caller takes nothing, up to the call's deadline. CANCELLED: nobody listens any more, return.
  Status write(const T& message, Fds fds = {}) {
    NC_TRY_STATUS(check_fds(fds));
    Outgoing out(encode(message), std::move(fds));
    return channel_.write(out);
  }

 private:
  Channel& channel_;
};

// ---- for generated code
// ---------------------------------------------------------------------------------------------------

template <class Reply>
void finish_with(Call& call, Result<Reply> reply) {
  reply.ok() ? call.finish(encode(*reply)) : call.finish(Status(std::move(reply).error()));
}

template <Message Request>
Result<Request> request_of(Call& call) {
  return decode<Request>(call.first_message() ? call.first_message()->body() : std::string_view());
}

template <Message Request, class Method>
void serve_unary(Call& call, Method&& method) {
  auto request = request_of<Request>(call);
  if (!request.ok()) return call.finish(Status(std::move(request).error()));
  finish_with(call, method(*request));
}

template <Message Request, Message Reply, class Method>
void serve_server_stream(Call& call, Method&& method) {
  auto request = request_of<Request>(call);
  if (!request.ok()) return call.finish(Status(std::move(request).error()));
  Writer<Reply> replies(call.channel());
  call.finish(method(*request, replies));
}

template <Message Request, class Method>
void serve_client_stream(Call& call, Method&& method) {
  Reader<Request> requests(call);
  finish_with(call, method(requests));
}

template <Message Request, Message Reply, class Method>
void serve_exchange(Call& call, Method&& method) {
  Reader<Request> requests(call);
  Writer<Reply> replies(call.channel());
  call.finish(method(requests, replies));
}

}  // namespace novacron
