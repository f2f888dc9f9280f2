// HTTP/1.1: reads requests, has them handled on worker threads, writes responses.
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/stream_base.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "host/api/content_encoding.h"
#include "host/api/problem.h"
#include "host/api/request_head.h"
#include "host/api/session.h"
#include "host/api/tracing.h"
#include "host/base/clock.h"

namespace novacron::host::api {
namespace {

using Parser = http::request_parser<http::buffer_body>;
using asio::awaitable;

constexpr size_t kReadBytes = 16 * 1024;
constexpr size_t kStreamedReadBytes = 256 * 1024;
constexpr uint64_t kGoodbyeMs = 2'000;

enum class After { kKeep, kClose };

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

Error too_slow(std::string_view what, uint64_t limit_ms) {
  return {Code::kDeadlineExceeded, std::string(what) + " did not arrive within " + std::to_string(limit_ms) + " ms",
          "http.timeout"};
}

Error body_too_large(size_t limit) {
  return {Code::kInvalidArgument, "the body is larger than " + std::to_string(limit) + " bytes", "http.body-too-large"};
}

/// The error to answer with when reading failed; the code kCancelled: the client is gone, there is nobody to answer.
Error read_error(const Session& session, ErrorCode failure, std::string_view what, uint64_t limit_ms) {
  if (session.watchdog.fired()) return too_slow(what, limit_ms);
  if (failure == http::error::body_limit) return body_too_large(session.shared->limits.body_bytes);
  const bool gone = failure == http::error::end_of_stream || failure == http::error::partial_message ||
                    failure.category() != http::make_error_code(http::error::bad_method).category();
  if (gone) return {Code::kCancelled, failure.message()};
  return {Code::kInvalidArgument, "this is not HTTP/1.1: " + failure.message(), "http.malformed"};
}

// ---- writing

template <class Body>
awaitable<bool> write_message(Session& session, http::response<Body>& message) {
  http::response_serializer<Body> serializer(message);
  ErrorCode failure;
  while (!serializer.is_done() && !failure) {
    session.watchdog.arm(session.shared->limits.write_ms);
    std::tie(failure, std::ignore) = co_await http::async_write_some(session.transport, serializer, kAwait);
  }
  session.watchdog.disarm();
  co_return !failure;
}

/// The head alone, of a message whose body follows by other means.
awaitable<bool> write_head(Session& session, http::response<http::empty_body>& message) {
  http::response_serializer<http::empty_body> serializer(message);
  serializer.split(true);
  ErrorCode failure;
  while (!serializer.is_header_done() && !failure) {
    session.watchdog.arm(session.shared->limits.write_ms);
    std::tie(failure, std::ignore) = co_await http::async_write_some(session.transport, serializer, kAwait);
  }
  session.watchdog.disarm();
  co_return !failure;
}

template <class Body>
void fill_head(http::response<Body>& message, const Session& session, const Exchange& exchange,
               const Response& response, After after) {
  message.version(11);
  message.result(static_cast<unsigned>(response.status));
  for (const auto& [name, value] : response.headers.all()) message.insert(name, value);
  message.set("X-Request-Id", exchange.request->id);
  message.set("X-Content-Type-Options", "nosniff");
  message.set("Referrer-Policy", "no-referrer");
  if (message.find("Content-Security-Policy") == message.end())  // what a plugin serves may need another
    message.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  if (message.find(http::field::cache_control) == message.end()) message.set("Cache-Control", "no-store");
  if (const_cast<Session&>(session).transport.tls() != nullptr)
    message.set("Strict-Transport-Security", "max-age=31536000");
  message.keep_alive(after == After::kKeep);
}

bool has_no_body(int status) {
  return status == 204 || status == 304;
}

awaitable<bool> write_text(Session& session, const Exchange& exchange, const Response& response, After after) {
  const auto& text = std::get<std::string>(response.body);
  if (exchange.request->method == Method::kHead || has_no_body(response.status)) {
    http::response<http::empty_body> message;
    fill_head(message, session, exchange, response, after);
    if (!has_no_body(response.status) && message.find(http::field::content_length) == message.end())
      message.content_length(text.size());
    co_return co_await write_message(session, message);
  }
  http::response<http::string_body> message;
  fill_head(message, session, exchange, response, after);
  message.body() = text;
  message.content_length(text.size());
  co_return co_await write_message(session, message);
}

/// Reads on a worker thread, because a disk may be slow.
Result<std::string> read_piece(int fd, uint64_t size_bytes) {
  std::string piece(std::min<uint64_t>(size_bytes, kStreamedReadBytes), '\0');
  while (true) {
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read a file", errno);
    if (got == 0) return Error{Code::kDataLoss, "a file is shorter than it was"};
    piece.resize(static_cast<size_t>(got));
    return piece;
  }
}

awaitable<bool> write_all(Session& session, const std::string& text) {
  size_t written = 0;
  while (written < text.size()) {
    session.watchdog.arm(session.shared->limits.write_ms);
    const auto rest = asio::buffer(text.data() + written, text.size() - written);
    auto [failure, size] = co_await session.transport.async_write_some(rest, kAwait);
    if (failure) co_return false;
    written += size;
  }
  session.watchdog.disarm();
  co_return true;
}

awaitable<bool> write_file(Session& session, const Exchange& exchange, Response response, After after) {
  auto file = std::make_shared<FileBody>(std::get<FileBody>(std::move(response.body)));
  http::response<http::empty_body> head;
  fill_head(head, session, exchange, response, after);
  head.content_length(file->size_bytes);
  const bool sent = co_await write_head(session, head);
  if (!sent || exchange.request->method == Method::kHead) co_return sent;
  for (uint64_t left = file->size_bytes; left > 0;) {
    std::function<Result<std::string>()> work = [file, left] { return read_piece(file->fd.get(), left); };
    const auto piece = co_await on_worker(session, std::move(work));
    if (!piece.ok() || !piece->ok()) co_return false;
    const std::string& bytes = piece->value();
    const bool ok = co_await write_all(session, bytes);
    if (!ok) co_return false;
    left -= bytes.size();
  }
  co_return true;
}

// ---- feeds over plain HTTP

awaitable<bool> write_chunk(std::shared_ptr<Session> session, const std::string& text) {
  char size[20];
  const int digits = std::snprintf(size, sizeof size, "%zx\r\n", text.size());
  const std::string framed = std::string(size, static_cast<size_t>(digits)) + text + "\r\n";
  const bool sent = co_await write_all(*session, framed);
  co_return sent;
}

/// Notices that the client has gone while nothing is sent to it.
awaitable<void> watch_for_end(std::shared_ptr<Session> session) {
  char ignored[512];
  const auto space = asio::buffer(ignored);
  ErrorCode failure;
  while (!failure) std::tie(failure, std::ignore) = co_await session->transport.async_read_some(space, kAwait);
  session->transport.close();
  session->notify();
}

awaitable<void> write_feed(std::shared_ptr<Session> session, const Exchange& exchange, Response response) {
  auto& body = std::get<FeedBody>(response.body);
  std::shared_ptr<Feed> feed = std::move(body.feed);
  http::response<http::empty_body> head;
  fill_head(head, *session, exchange, response, After::kClose);
  head.chunked(true);
  const bool sent = co_await write_head(*session, head);
  if (!sent) co_return;
  asio::co_spawn(session->transport.get_executor(), watch_for_end(session), asio::detached);
  FeedSend send = [session](const std::string& text) { return write_chunk(session, text); };
  co_await pump(session, feed, body.format, send);
  const std::string last = "0\r\n\r\n";
  co_await write_all(*session, last);
}

// ---- reading

Request take_head(Session& session, const Parser& parser) {
  const auto& head = parser.get();
  Request request;
  request.method = method_of({head.method_string().data(), head.method_string().size()});
  request.target = std::string(head.target());
  for (const auto& field : head) request.headers.add(std::string(field.name_string()), std::string(field.value()));
  request.peer = session.peer;
  request.is_websocket = beast::websocket::is_upgrade(head);
  request.received_ns = system_clock().monotonic_ns();
  adopt_trace(request);
  return request;
}

/// Fills `space` from the body, up to its end.
awaitable<Result<size_t>> read_body(Session& session, Parser& parser, char* space, size_t size) {
  auto& body = parser.get().body();
  body.data = space;
  body.size = size;
  body.more = true;
  const uint64_t limit_ms = session.shared->limits.body_ms;
  auto [failure, read] = co_await http::async_read(session.transport, session.buffer, parser, kAwait);
  if (failure && failure != http::error::need_buffer)
    co_return Result<size_t>(read_error(session, failure, "the body", limit_ms));
  co_return Result<size_t>(size - parser.get().body().size);
}

awaitable<Status> read_whole_body(Session& session, Exchange& exchange) {
  const Limits& limits = session.shared->limits;
  auto& parser = exchange.parser;
  std::string piece(kReadBytes, '\0');
  session.watchdog.arm(limits.body_ms);
  while (!parser.is_done()) {
    const auto got = co_await read_body(session, parser, piece.data(), piece.size());
    if (!got.ok()) co_return Status(got.error());
    exchange.request->body.append(piece, 0, *got);
    if (exchange.request->body.size() > limits.body_bytes) co_return Status(body_too_large(limits.body_bytes));
  }
  session.watchdog.disarm();
  exchange.body_read = true;
  co_return Status();
}

awaitable<bool> send_continue(Session& session, const Exchange& exchange) {
  if (!equal_without_case(exchange.request->headers.get("Expect"), "100-continue")) co_return true;
  const std::string line = "HTTP/1.1 100 Continue\r\n\r\n";
  const bool sent = co_await write_all(session, line);
  co_return sent;
}

Response problem_of(const Exchange& exchange, const Error& error) {
  Response response = problem(error, exchange.request->id);
  if (error.reason == "http.timeout") response.status = 408;
  return response;
}

awaitable<Response> handle_whole(Session& session, Exchange& exchange) {
  const size_t limit = session.shared->limits.body_bytes;
  const auto announced = exchange.parser.content_length();
  if (announced && *announced > limit) co_return problem_of(exchange, body_too_large(limit));
  const bool continued = co_await send_continue(session, exchange);
  if (!continued) co_return Response();
  const auto read = co_await read_whole_body(session, exchange);
  if (!read.ok()) co_return problem_of(exchange, read.error());
  Application* application = &session.shared->application;
  const std::shared_ptr<const Request> request = exchange.request;
  std::function<Response()> work = [application, request] { return encoded(*request, application->handle(*request)); };
  auto response = co_await on_worker(session, std::move(work));
  if (!response.ok()) co_return problem_of(exchange, response.error());
  co_return *std::move(response);
}

/// Gives the body to the sink, piece by piece.
awaitable<Response> feed_sink(Session& session, Exchange& exchange, std::shared_ptr<BodySink> sink) {
  auto piece = std::make_shared<std::string>();
  while (!exchange.parser.is_done()) {
    piece->resize(kStreamedReadBytes);
    session.watchdog.arm(session.shared->limits.body_ms);
    const auto got = co_await read_body(session, exchange.parser, piece->data(), piece->size());
    session.watchdog.disarm();
    if (!got.ok()) co_return problem_of(exchange, got.error());
    piece->resize(*got);
    std::function<Status()> work = [sink, piece] { return sink->write(*piece); };
    const auto written = co_await on_worker(session, std::move(work));
    if (!written.ok()) co_return problem_of(exchange, written.error());
    if (!written->ok()) co_return problem_of(exchange, written->error());
  }
  exchange.body_read = true;
  std::function<Response()> work = [sink] { return sink->finish(); };
  auto response = co_await on_worker(session, std::move(work));
  if (!response.ok()) co_return problem_of(exchange, response.error());
  co_return *std::move(response);
}

awaitable<Response> handle_streamed(Session& session, Exchange& exchange) {
  using Begun = std::variant<Response, std::unique_ptr<BodySink>>;
  Application* application = &session.shared->application;
  const std::shared_ptr<const Request> request = exchange.request;
  std::function<Begun()> work = [application, request] { return application->begin(*request); };
  auto begun = co_await on_worker(session, std::move(work));
  if (!begun.ok()) co_return problem_of(exchange, begun.error());
  if (auto* refusal = std::get_if<Response>(&*begun)) {
    exchange.body_read = exchange.parser.is_done();
    co_return std::move(*refusal);
  }
  std::shared_ptr<BodySink> sink = std::get<std::unique_ptr<BodySink>>(std::move(*begun));
  const bool continued = co_await send_continue(session, exchange);
  if (!continued) co_return Response();
  co_return co_await feed_sink(session, exchange, sink);
}

// ---- one request

struct FeedSlot {
  explicit FeedSlot(Shared& common) : shared(common), taken(++common.feeds <= common.limits.feeds) {}
  ~FeedSlot() { --shared.feeds; }
  FeedSlot(const FeedSlot&) = delete;
  FeedSlot& operator=(const FeedSlot&) = delete;
  Shared& shared;
  const bool taken;
};

awaitable<After> respond_with_feed(std::shared_ptr<Session> session, Exchange& exchange, Response response) {
  const FeedSlot slot(*session->shared);
  if (!slot.taken) {
    const Error error{Code::kResourceExhausted,
                      "more than " + std::to_string(session->shared->limits.feeds) + " watches and event streams",
                      "api.watchers"};
    const Response refusal = problem_of(exchange, error);
    co_await write_text(*session, exchange, refusal, After::kClose);
    co_return After::kClose;
  }
  auto& body = std::get<FeedBody>(response.body);
  if (body.format != FeedBody::Format::kWebSocket) {
    co_await write_feed(session, exchange, std::move(response));
    co_return After::kClose;
  }
  std::shared_ptr<Feed> feed = std::move(body.feed);
  HttpRequest upgrade = exchange.parser.release();
  co_await serve_feed_websocket(session, std::move(upgrade), feed);
  co_return After::kClose;
}

awaitable<After> respond(std::shared_ptr<Session> session, Exchange& exchange, Response response) {
  const bool keep = exchange.body_read && exchange.parser.keep_alive() && !session->shared->draining;
  const After after = keep ? After::kKeep : After::kClose;
  if (std::holds_alternative<FeedBody>(response.body))
    co_return co_await respond_with_feed(session, exchange, std::move(response));
  if (std::holds_alternative<BridgeBody>(response.body)) {
    Fd socket = std::get<BridgeBody>(std::move(response.body)).socket;
    HttpRequest upgrade = exchange.parser.release();
    co_await serve_bridge(session, std::move(upgrade), std::move(socket));
    co_return After::kClose;
  }
  bool sent = false;
  if (std::holds_alternative<FileBody>(response.body)) {
    sent = co_await write_file(*session, exchange, std::move(response), after);
  } else {
    sent = co_await write_text(*session, exchange, response, after);
  }
  co_return sent ? after : After::kClose;
}

/// Waits for the first byte of a request.
awaitable<bool> wait_for_request(Session& session) {
  if (session.buffer.size() > 0) co_return true;
  if (session.shared->draining) co_return false;
  session.idle = true;
  session.watchdog.arm(session.shared->limits.idle_ms);
  const auto space = session.buffer.prepare(kReadBytes);
  auto [failure, size] = co_await session.transport.async_read_some(space, kAwait);
  session.watchdog.disarm();
  session.idle = false;
  session.buffer.commit(size);
  co_return !failure && size > 0;
}

/// Reads until the whole head is in the session's buffer; its size.
awaitable<Result<size_t>> receive_head(Session& session) {
  const Limits& limits = session.shared->limits;
  HeadScan scan(limits.header_bytes);
  session.watchdog.arm(limits.header_ms);
  while (true) {
    const auto have = session.buffer.data();
    auto size = scan.scan({static_cast<const char*>(have.data()), have.size()});
    if (!size.ok() || *size > 0) co_return size;
    const auto space = session.buffer.prepare(kReadBytes);
    auto [failure, got] = co_await session.transport.async_read_some(space, kAwait);
    if (failure) co_return Result<size_t>(read_error(session, failure, "the request's head", limits.header_ms));
    session.buffer.commit(got);
  }
}

Status parse_head(Session& session, Parser& parser, size_t size) {
  const auto* bytes = static_cast<const char*>(session.buffer.data().data());
  TRY_STATUS(check_head({bytes, size}));
  parser.header_limit(static_cast<uint32_t>(size));
  parser.body_limit(boost::none);
  ErrorCode failure;
  const size_t used = parser.put(asio::const_buffer(bytes, size), failure);
  if (failure || !parser.is_header_done()) return read_error(session, failure, "", 0);
  session.buffer.consume(used);
  return {};
}

awaitable<Status> read_head(Session& session, Exchange& exchange) {
  const auto size = co_await receive_head(session);
  session.watchdog.disarm();
  const Status parsed = size.ok() ? parse_head(session, exchange.parser, *size) : Status(size.error());
  *exchange.request = take_head(session, exchange.parser);
  co_return parsed;
}

Error too_many_connections(const Limits& limits) {
  Error error{Code::kUnavailable, "more than " + std::to_string(limits.connections) + " connections",
              "api.connections"};
  error.retry_after_ns = 1'000'000'000;
  return error;
}

awaitable<After> serve_one(std::shared_ptr<Session> session, bool refuse) {
  const bool more = co_await wait_for_request(*session);
  if (!more) co_return After::kClose;
  Exchange exchange;
  const auto head = co_await read_head(*session, exchange);
  if (head.code() == Code::kCancelled) co_return After::kClose;
  Response response;
  if (!head.ok()) {
    response = problem_of(exchange, head.error());
  } else if (refuse) {
    response = problem_of(exchange, too_many_connections(session->shared->limits));
  } else if (session->shared->application.streams_body(*exchange.request)) {
    response = co_await handle_streamed(*session, exchange);
  } else {
    response = co_await handle_whole(*session, exchange);
  }
  co_return co_await respond(session, exchange, std::move(response));
}

awaitable<bool> shake_hands(Session& session) {
  if (session.transport.tls() == nullptr) co_return true;
  session.watchdog.arm(session.shared->limits.handshake_ms);
  auto [failure] = co_await session.transport.tls()->async_handshake(asio::ssl::stream_base::server, kAwait);
  session.watchdog.disarm();
  co_return !failure;
}

/// Tells the client that this was all, and waits until it has heard: to close while it still sends would take our last
/// words from it.
awaitable<void> say_goodbye(Session& session) {
  if (!session.transport.socket().is_open()) co_return;
  session.watchdog.arm(kGoodbyeMs);
  if (session.transport.tls() != nullptr) co_await session.transport.tls()->async_shutdown(kAwait);
  ErrorCode failure;
  session.transport.socket().shutdown(Socket::shutdown_send, failure);
  std::string ignored(kReadBytes, '\0');
  const auto space = asio::buffer(ignored);
  while (!failure && !session.watchdog.fired())
    std::tie(failure, std::ignore) = co_await session.transport.socket().async_read_some(space, kAwait);
  session.watchdog.disarm();
  session.transport.close();
}

}  // namespace

awaitable<void> serve(std::shared_ptr<Session> session, bool refuse) {
  const bool ready = co_await shake_hands(*session);
  After after = ready ? After::kKeep : After::kClose;
  while (after == After::kKeep) {
    after = co_await serve_one(session, refuse);
    if (refuse) break;
  }
  co_await say_goodbye(*session);
}

}  // namespace novacron::host::api
