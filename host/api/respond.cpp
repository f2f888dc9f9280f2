// Writes responses: whole texts, files, feeds, and what plugins stream.
#include <poll.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_suffix.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "host/api/problem.h"
#include "host/api/session.h"

namespace novacron::host::api {
namespace {

using asio::awaitable;

constexpr size_t kFileBytes = 256 * 1024;
constexpr size_t kStreamBytes = 64 * 1024;
constexpr std::string_view kEndOfChunk = "\r\n";

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
  std::string piece(std::min<uint64_t>(size_bytes, kFileBytes), '\0');
  while (true) {
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read a file", errno);
    if (got == 0) return Error{Code::kDataLoss, "a file is shorter than it was"};
    piece.resize(static_cast<size_t>(got));
    return piece;
  }
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

awaitable<bool> write_chunk(std::shared_ptr<Session> session, const std::string& text) {
  char size[20];
  const int digits = std::snprintf(size, sizeof size, "%zx\r\n", text.size());
  const std::string framed = std::string(size, static_cast<size_t>(digits)) + text + "\r\n";
  const bool sent = co_await write_all(*session, framed);
  co_return sent;
}

size_t size_of(const FeedPieces& pieces) {
  size_t size = 0;
  for (const auto& piece : pieces) size += piece.view().size();
  return size;
}

/// One chunk, of bytes that are not copied.
awaitable<bool> gather_chunk(Session& session, const FeedPieces& pieces) {
  char size[20];
  const int digits = std::snprintf(size, sizeof size, "%zx\r\n", size_of(pieces));
  std::vector<asio::const_buffer> buffers = {asio::buffer(size, static_cast<size_t>(digits))};
  for (const auto& piece : pieces) buffers.push_back(asio::buffer(piece.view().data(), piece.view().size()));
  buffers.push_back(asio::buffer(kEndOfChunk.data(), kEndOfChunk.size()));
  beast::buffers_suffix<std::vector<asio::const_buffer>> rest(buffers);
  ErrorCode failure;
  while (!failure && beast::buffer_bytes(rest) > 0) {
    session.watchdog.arm(session.shared->limits.write_ms);
    size_t written = 0;
    std::tie(failure, written) = co_await session.transport.async_write_some(rest, kAwait);
    rest.consume(written);
  }
  session.watchdog.disarm();
  co_return !failure;
}

/// TLS seals each buffer by itself: they are joined, so that they come in few records.
awaitable<bool> send_pieces(std::shared_ptr<Session> session, const FeedPieces& pieces) {
  if (session->transport.tls() == nullptr) co_return co_await gather_chunk(*session, pieces);
  std::string joined;
  joined.reserve(size_of(pieces));
  for (const auto& piece : pieces) joined += piece.view();
  co_return co_await write_chunk(session, joined);
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
  FeedSend send = [session](const FeedPieces& pieces) { return send_pieces(session, pieces); };
  co_await pump(session, feed, body.format, send);
  const std::string last = "0\r\n\r\n";
  co_await write_all(*session, last);
}
// ---- what plugins stream

struct Streamed {
  Streamed(std::shared_ptr<Session> of, Fd stream)
      : session(std::move(of)),
        plugin(session->transport.get_executor(), asio::local::stream_protocol(), stream.release()) {}
  /// Whoever waits for the plugin, or the plugin for us, goes on.
  void end() {
    ErrorCode ignored;
    plugin.shutdown(StreamSocket::shutdown_both, ignored);
  }
  const std::shared_ptr<Session> session;
  StreamSocket plugin;
};

awaitable<void> end_with_client(std::shared_ptr<Streamed> stream) {
  co_await watch_for_end(stream->session);
  stream->end();
}

/// Reads at most `most` bytes; none: the end. The error is the plugin's, who has gone.
awaitable<Result<std::string>> read_stream(StreamSocket& plugin, uint64_t most) {
  std::string piece(std::min<uint64_t>(most, kStreamBytes), '\0');
  const auto space = asio::buffer(piece);
  auto [failure, size] = co_await plugin.async_read_some(space, kAwait);
  if (failure && failure != asio::error::eof) co_return Result<std::string>(Error{Code::kAborted, failure.message()});
  piece.resize(size);
  co_return Result<std::string>(std::move(piece));
}

awaitable<bool> write_piece(std::shared_ptr<Session> session, const std::string& piece, bool chunked) {
  if (chunked) co_return co_await write_chunk(session, piece);
  co_return co_await write_all(*session, piece);
}

/// Up to the end of the plugin's stream, in chunks, or as bytes to a client that knows no chunks.
awaitable<bool> carry_unsized(std::shared_ptr<Streamed> stream, bool chunked) {
  while (true) {
    const auto piece = co_await read_stream(stream->plugin, kStreamBytes);
    if (!piece.ok()) co_return false;
    if (piece->empty()) break;
    const bool sent = co_await write_piece(stream->session, *piece, chunked);
    if (!sent) co_return false;
  }
  const std::string last = chunked ? "0\r\n\r\n" : "";
  co_return co_await write_all(*stream->session, last);
}

/// Exactly so many bytes; false: there were fewer.
awaitable<bool> carry_sized(std::shared_ptr<Streamed> stream, uint64_t left) {
  while (left > 0) {
    const auto piece = co_await read_stream(stream->plugin, left);
    if (!piece.ok() || piece->empty()) co_return false;
    const bool sent = co_await write_all(*stream->session, *piece);
    if (!sent) co_return false;
    left -= piece->size();
  }
  co_return true;
}

/// An event stream ends when the host is to stop; what else is under way may finish until the host's deadline.
void end_when_draining(const std::shared_ptr<Streamed>& stream, const Response& response) {
  const bool is_endless = response.headers.get("Content-Type").starts_with("text/event-stream");
  stream->session->when_draining([weak = std::weak_ptr(stream), is_endless] {
    const auto alive = weak.lock();
    if (alive && is_endless) alive->end();
  });
}

awaitable<bool> write_stream_body(std::shared_ptr<Streamed> stream, StreamBody body, bool chunked) {
  if (!body.first.empty()) {
    const bool sent = co_await write_piece(stream->session, body.first, chunked);
    if (!sent) co_return false;
  }
  if (body.size_bytes) co_return co_await carry_sized(stream, *body.size_bytes - body.first.size());
  co_return co_await carry_unsized(stream, chunked);
}

/// The connection ends with it: what the client says meanwhile is read only to notice that it has gone.
awaitable<void> write_stream(std::shared_ptr<Session> session, const Exchange& exchange, Response response) {
  auto body = std::get<StreamBody>(std::move(response.body));
  const bool chunked = !body.size_bytes && exchange.parser.get().version() >= 11;
  http::response<http::empty_body> head;
  fill_head(head, *session, exchange, response, After::kClose);
  if (body.size_bytes) head.content_length(*body.size_bytes);
  if (chunked) head.chunked(true);
  const bool sent = co_await write_head(*session, head);
  if (!sent || exchange.request->method == Method::kHead) co_return;
  const auto stream = std::make_shared<Streamed>(session, std::move(body.socket));
  end_when_draining(stream, response);
  asio::co_spawn(session->transport.get_executor(), end_with_client(stream), asio::detached);
  const bool whole = co_await write_stream_body(stream, std::move(body), chunked);
  session->on_drain = nullptr;
  stream->end();
  if (!whole) session->transport.close();
}

// ---- what takes a place among the feeds

struct FeedSlot {
  explicit FeedSlot(Shared& common) : shared(common), taken(++common.feeds <= common.limits.feeds) {}
  ~FeedSlot() { --shared.feeds; }
  FeedSlot(const FeedSlot&) = delete;
  FeedSlot& operator=(const FeedSlot&) = delete;
  Shared& shared;
  const bool taken;
};

/// Of what lasts: a feed, or what a plugin streams.
awaitable<After> respond_lasting(std::shared_ptr<Session> session, Exchange& exchange, Response response) {
  const FeedSlot slot(*session->shared);
  if (!slot.taken) {
    const Error error{Code::kResourceExhausted,
                      "more than " + std::to_string(session->shared->limits.feeds) + " watches and event streams",
                      "api.watchers"};
    const Response refusal = problem_of(exchange, error);
    co_await write_text(*session, exchange, refusal, After::kClose);
    co_return After::kClose;
  }
  if (std::holds_alternative<StreamBody>(response.body)) {
    co_await write_stream(session, exchange, std::move(response));
    co_return After::kClose;
  }
  if (std::holds_alternative<MessagesBody>(response.body)) {
    MessagesBody messages = std::get<MessagesBody>(std::move(response.body));
    HttpRequest upgrade = exchange.parser.release();
    co_await serve_messages(session, std::move(upgrade), std::move(messages));
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

bool lasts(const Response& response) {
  return std::holds_alternative<FeedBody>(response.body) || std::holds_alternative<StreamBody>(response.body) ||
         std::holds_alternative<MessagesBody>(response.body);
}

}  // namespace

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

Response problem_of(const Exchange& exchange, const Error& error) {
  Response response = problem(error, exchange.request->id);
  if (error.reason == "http.timeout") response.status = 408;
  return response;
}

awaitable<After> respond(std::shared_ptr<Session> session, Exchange& exchange, Response response) {
  const bool keep = exchange.body_read && exchange.parser.keep_alive() && !session->shared->draining;
  const After after = keep ? After::kKeep : After::kClose;
  if (lasts(response)) co_return co_await respond_lasting(session, exchange, std::move(response));
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

}  // namespace novacron::host::api
