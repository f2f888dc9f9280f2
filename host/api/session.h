// One connection, for the .cpp files of this folder that drive it: not for others, because it brings Asio and Beast.
#pragma once

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "host/api/feed.h"
#include "host/api/http.h"
#include "host/api/server.h"

namespace novacron::host::api {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

using Socket = asio::generic::stream_protocol::socket;
using StreamSocket = asio::local::stream_protocol::socket;  ///< of a plugin
using ErrorCode = boost::system::error_code;
using HttpRequest = http::request<http::buffer_body>;

/// Completion: co_await gives a tuple of an error code and what else there is.
inline constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

/// A socket, with TLS or without: one type, so that what is built on it is compiled once.
class Transport {
 public:
  using executor_type = Socket::executor_type;

  Transport(Socket socket, asio::ssl::context* tls) : socket_(std::move(socket)) {
    if (tls != nullptr) tls_.emplace(socket_, *tls);
  }
  executor_type get_executor() { return socket_.get_executor(); }
  Socket& socket() { return socket_; }
  /// Null: no TLS.
  asio::ssl::stream<Socket&>* tls() { return tls_ ? &*tls_ : nullptr; }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return tls_ ? tls_->async_read_some(buffers, std::forward<Token>(token))
                : socket_.async_read_some(buffers, std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return tls_ ? tls_->async_write_some(buffers, std::forward<Token>(token))
                : socket_.async_write_some(buffers, std::forward<Token>(token));
  }
  void close() {
    ErrorCode ignored;
    socket_.close(ignored);
  }

 private:
  Socket socket_;
  std::optional<asio::ssl::stream<Socket&>> tls_;
};

// What Beast's WebSocket asks of a stream to end it.
inline void beast_close_socket(Transport& transport) {
  transport.close();
}
inline void teardown(beast::role_type, Transport& transport, ErrorCode& failure) {
  transport.socket().shutdown(Socket::shutdown_both, failure);
}
template <class Handler>
void async_teardown(beast::role_type, Transport& transport, Handler&& handler) {
  ErrorCode failure;
  transport.socket().shutdown(Socket::shutdown_both, failure);
  asio::post(transport.get_executor(), beast::bind_front_handler(std::forward<Handler>(handler), ErrorCode()));
}

/// Cancels what waits on a socket when a time has passed. On the connection's thread.
class Watchdog {
 public:
  explicit Watchdog(Socket& socket) : socket_(socket), timer_(socket.get_executor()) {}
  void arm(uint64_t timeout_ms);
  void disarm();
  /// It has cancelled something since it was armed last.
  bool fired() const { return state_->fired; }

 private:
  struct State {
    uint64_t generation = 0;  ///< a timer of an earlier one comes too late
    bool fired = false;
  };
  Socket& socket_;
  asio::steady_timer timer_;
  std::shared_ptr<State> state_ = std::make_shared<State>();  ///< shared with a timer that may outlive this
};

class Session;

/// What all connections of a server share.
struct Shared {
  Shared(const Limits& allowed, Application& served, WorkerPool& pool);

  const Limits limits;
  Application& application;
  std::unique_ptr<Lane> lane;
  std::unique_ptr<Lane> uploads;  ///< waits for the answers to bodies that are streamed
  std::atomic<bool> draining{false};
  std::atomic<size_t> feeds{0};
  std::atomic<size_t> running_uploads{0};
  std::atomic<uint64_t> refused_connections{0};

  void add(const std::shared_ptr<Session>& session);
  void remove(const Session* session);
  std::vector<std::shared_ptr<Session>> sessions() const;
  size_t count() const;
  /// False: some were left when the deadline had passed.
  bool wait_until_empty(uint64_t timeout_ms);

 private:
  mutable std::mutex mutex_;
  std::condition_variable gone_;
  std::unordered_map<const Session*, std::weak_ptr<Session>> sessions_;
};

/// Lives on one thread; its coroutines share it.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Socket socket, asio::ssl::context* tls, auth::Peer who, std::shared_ptr<Shared> common);
  ~Session();

  Transport transport;
  Watchdog watchdog;
  beast::flat_buffer buffer;  ///< what was read and not used yet, bounded
  const auth::Peer peer;
  const std::shared_ptr<Shared> shared;
  std::function<void()> on_drain;  ///< what to do when the server ends; empty: the connection finishes by itself
  bool idle = true;                ///< between requests

  /// Sets on_drain, and calls it at once when the server ends already.
  void when_draining(std::function<void()> end);
  /// [any] Asks the connection to end soon.
  void drain();
  /// [any] Ends it now.
  void kill();
  /// Until notify(), or the time has passed. One waiter at a time.
  asio::awaitable<void> wait(uint64_t timeout_ms);
  void notify();

 private:
  asio::steady_timer wake_;
  bool notified_ = false;
};

using Parser = http::request_parser<http::buffer_body>;

/// Nobody needs them, and not everybody on the way reads them alike.
struct RefuseChunkExtensions {
  void operator()(uint64_t, beast::string_view extensions, ErrorCode& failure) const {
    if (!extensions.empty()) failure = http::error::bad_chunk_extension;
  }
};

/// A request under way.
struct Exchange {
  Exchange() { parser.on_chunk_header(refuse_extensions); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  Parser parser;
  RefuseChunkExtensions refuse_extensions;                         ///< called by the parser
  std::shared_ptr<Request> request = std::make_shared<Request>();  ///< shared with the worker that handles it
  bool body_read = false;                                          ///< to its end, so that another request may follow
};

enum class After { kKeep, kClose };

/// Gives the response to the client.
asio::awaitable<After> respond(std::shared_ptr<Session> session, Exchange& exchange, Response response);
asio::awaitable<bool> write_all(Session& session, const std::string& text);
Response problem_of(const Exchange& exchange, const Error& error);

/// Serves a connection until it ends. `refuse`: with 503 "api.connections".
asio::awaitable<void> serve(std::shared_ptr<Session> session, bool refuse);
/// Upgrade the request and serve it to its end.
asio::awaitable<void> serve_feed_websocket(std::shared_ptr<Session> session, HttpRequest request,
                                           std::shared_ptr<Feed> feed);
asio::awaitable<void> serve_bridge(std::shared_ptr<Session> session, HttpRequest request, Fd socket);
asio::awaitable<void> serve_messages(std::shared_ptr<Session> session, HttpRequest request, MessagesBody messages);

/// Gives messages to the client, framed as lines unless they are server-sent events; false: it is gone.
using FeedSend = std::function<asio::awaitable<bool>(const FeedPieces& pieces)>;
/// Sends what the feed gives, until it ends (which the client is told), the client goes, or the server ends.
asio::awaitable<void> pump(std::shared_ptr<Session> session, std::shared_ptr<Feed> feed, FeedBody::Format format,
                           FeedSend send);

/// Gives all of it to a plugin; false: it has gone, or took nothing for Limits::write_ms, and so lost its stream.
asio::awaitable<bool> write_to_plugin(Session& session, StreamSocket& plugin, const std::string& bytes);

/// Runs `work` on a worker thread; UNAVAILABLE or RESOURCE_EXHAUSTED when there is none.
template <class T>
asio::awaitable<Result<T>> on_worker(Session& session, std::function<T()> work) {
  auto start = [](auto handler, Lane* lane, asio::any_io_executor executor, std::function<T()> job) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    auto finish = [shared, executor](std::shared_ptr<Result<T>> result) {
      asio::post(executor, [shared, result] { std::move (*shared)(std::move(*result)); });
    };
    auto posted = lane->post([finish, job = std::move(job)] { finish(std::make_shared<Result<T>>(job())); });
    if (!posted.ok()) finish(std::make_shared<Result<T>>(std::move(posted).error()));
  };
  using Token = asio::use_awaitable_t<>;
  Token token;
  Lane* lane = session.shared->lane.get();
  asio::any_io_executor executor = session.transport.get_executor();
  co_return co_await asio::async_initiate<Token, void(Result<T>)>(start, token, lane, executor, std::move(work));
}

}  // namespace novacron::host::api
