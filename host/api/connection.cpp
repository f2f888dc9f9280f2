// HTTP/1.1: reads requests and has them handled on worker threads.
#include <boost/asio/ssl/stream_base.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "host/api/content_encoding.h"
#include "host/api/request_head.h"
#include "host/api/session.h"
#include "host/api/tracing.h"
#include "host/base/clock.h"

namespace novacron::host::api {
namespace {

using asio::awaitable;

constexpr size_t kReadBytes = 16 * 1024;
constexpr size_t kStreamedReadBytes = 256 * 1024;
constexpr uint64_t kGoodbyeMs = 2'000;
constexpr uint64_t kAnswerMs = 60'000;  ///< then it is looked whether the connection is there still
constexpr std::string_view kTooLargeReason = "http.body-too-large";

Error too_slow(std::string_view what, uint64_t limit_ms) {
  return {Code::kDeadlineExceeded, std::string(what) + " did not arrive within " + std::to_string(limit_ms) + " ms",
          "http.timeout"};
}

Error body_too_large(size_t limit) {
  return {Code::kInvalidArgument, "the body is larger than " + std::to_string(limit) + " bytes",
          std::string(kTooLargeReason)};
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

// ---- bodies that go on to somebody as a stream

struct UploadSlot {
  explicit UploadSlot(std::shared_ptr<Shared> common)
      : shared(std::move(common)), taken(++shared->running_uploads <= shared->limits.uploads) {}
  ~UploadSlot() { --shared->running_uploads; }
  UploadSlot(const UploadSlot&) = delete;
  UploadSlot& operator=(const UploadSlot&) = delete;
  const std::shared_ptr<Shared> shared;
  const bool taken;
};

/// On the connection's thread.
struct Upload {
  Upload(const asio::any_io_executor& executor, Fd socket)
      : plugin(executor, asio::local::stream_protocol(), socket.release()) {}
  StreamSocket plugin;
  std::optional<Response> answer;
};

/// Waits for the answer on a worker of its own kind, so that slow uploads keep no other request waiting. The slot is
/// free when the wait is over, also when the client has gone before.
Status wait_for_answer(Session& session, const std::shared_ptr<BodyPipe>& pipe, const std::shared_ptr<Upload>& upload,
                       std::shared_ptr<UploadSlot> slot) {
  const asio::any_io_executor executor = session.transport.get_executor();
  auto work = [executor, pipe, upload, slot = std::move(slot), waiting = session.weak_from_this()]() mutable {
    auto answer = std::make_shared<Response>(pipe->wait());
    slot.reset();
    asio::post(executor, [upload, answer, waiting] {
      upload->answer = std::move(*answer);
      ErrorCode ignored;
      upload->plugin.shutdown(StreamSocket::shutdown_both, ignored);
      if (const auto alive = waiting.lock()) alive->notify();
    });
  };
  return session.shared->uploads->post(std::move(work));
}

/// Gives the rest of the body to the plugin, until it has answered or wants no more.
awaitable<Status> carry_body(Session& session, Exchange& exchange, Upload& upload) {
  auto bytes = std::exchange(exchange.request->body, {});
  if (bytes.empty()) {  // nothing was read yet, so nothing was asked for
    const bool continued = co_await send_continue(session, exchange);
    if (!continued) co_return Status(Error{Code::kCancelled, "the client is gone"});
  }
  while (true) {
    const bool taken = co_await write_to_plugin(session, upload.plugin, bytes);
    if (!taken || upload.answer || exchange.parser.is_done()) break;
    bytes.resize(kReadBytes * 4);
    session.watchdog.arm(session.shared->limits.body_ms);
    const auto got = co_await read_body(session, exchange.parser, bytes.data(), bytes.size());
    session.watchdog.disarm();
    if (!got.ok()) co_return Status(got.error());
    bytes.resize(*got);
  }
  exchange.body_read = exchange.parser.is_done();
  ErrorCode ignored;
  upload.plugin.shutdown(StreamSocket::shutdown_send, ignored);
  while (!upload.answer && session.transport.socket().is_open()) co_await session.wait(kAnswerMs);
  co_return upload.answer ? Status() : Status(Error{Code::kCancelled, "the host stops"});
}

Error too_many_uploads(const Limits& limits) {
  Error error{Code::kResourceExhausted, "more than " + std::to_string(limits.uploads) + " uploads to plugins",
              "api.uploads"};
  error.retry_after_ns = 1'000'000'000;
  return error;
}

/// What was read of the body already is in the request.
awaitable<Response> handle_piped(Session& session, Exchange& exchange) {
  using Begun = std::variant<Response, std::shared_ptr<BodyPipe>>;
  auto slot = std::make_shared<UploadSlot>(session.shared);
  if (!slot->taken) co_return problem_of(exchange, too_many_uploads(session.shared->limits));
  Application* application = &session.shared->application;
  const std::shared_ptr<const Request> request = exchange.request;
  std::function<Begun()> work = [application, request] { return application->pipe(*request); };
  auto begun = co_await on_worker(session, std::move(work));
  if (!begun.ok()) co_return problem_of(exchange, begun.error());
  if (auto* refusal = std::get_if<Response>(&*begun)) co_return std::move(*refusal);
  const auto pipe = std::get<std::shared_ptr<BodyPipe>>(std::move(*begun));
  const auto upload = std::make_shared<Upload>(session.transport.get_executor(), pipe->take_socket());
  const auto waits = wait_for_answer(session, pipe, upload, std::move(slot));
  Status carried = waits;
  if (carried.ok()) carried = co_await carry_body(session, exchange, *upload);
  if (!carried.ok()) {
    pipe->cancel();
    ErrorCode ignored;
    upload->plugin.close(ignored);
    co_return problem_of(exchange, carried.error());
  }
  co_return std::move(*upload->answer);
}

awaitable<Response> handle_whole(Session& session, Exchange& exchange) {
  const size_t limit = session.shared->limits.body_bytes;
  const bool pipes = session.shared->application.pipes_body(*exchange.request);
  const auto announced = exchange.parser.content_length();
  if (announced && *announced > limit) {
    if (pipes) co_return co_await handle_piped(session, exchange);
    co_return problem_of(exchange, body_too_large(limit));
  }
  const bool continued = co_await send_continue(session, exchange);
  if (!continued) co_return Response();
  const auto read = co_await read_whole_body(session, exchange);
  if (!read.ok() && pipes && read.error().reason == kTooLargeReason) co_return co_await handle_piped(session, exchange);
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
