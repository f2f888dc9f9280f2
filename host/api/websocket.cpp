// WebSocket: feeds as text messages, and stream sockets as binary ones.
//
// A bridge joins a WebSocket with a stream socket. Binary messages are bytes, both ways. The text message
// {"type":"end"} says that its sender sends no more bytes, as a half-close of the socket does; a client that closes the
// WebSocket ends both directions.
//
// Messages between a client and a plugin are framed on the plugin's socket as novacron.http.v1 says.
#include <poll.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <nlohmann/json.hpp>

#include "host/api/message_frames.h"
#include "host/api/session.h"

namespace novacron::host::api {
namespace {

namespace websocket = beast::websocket;
using asio::awaitable;
using WebSocket = websocket::stream<Transport&, false>;  // without compression, which costs memory a connection

constexpr size_t kBridgeBytes = 16 * 1024;
constexpr std::string_view kEnd = R"({"type":"end"})";

/// What waits within a WebSocket.
struct Waits {
  void cancel() {
    closing.emit(asio::cancellation_type::terminal);
    reading.emit(asio::cancellation_type::terminal);
  }
  asio::cancellation_signal reading;
  asio::cancellation_signal closing;
};

/// A client's WebSocket. One coroutine reads while another one writes and, in the end, closes. Beast's close waits for
/// the read under way to end; when that meets a broken frame, it waits for the close, and no end of the socket wakes
/// either of them. So who closes has a time, after which the socket is closed and both are cancelled.
struct Client {
  explicit Client(Session& of)
      : session(of), socket(of.transport), until_closed(of.transport.get_executor(), Clock::time_point::max()) {}
  using Clock = std::chrono::steady_clock;
  Session& session;  ///< whoever holds this holds it
  WebSocket socket;
  bool is_closing = false;           ///< by this side
  std::optional<ErrorCode> outcome;  ///< of that: error::closed when the client has answered
  asio::steady_timer until_closed;   ///< cancelled when there is an outcome
  const std::shared_ptr<Waits> waits = std::make_shared<Waits>();  ///< shared with a timer that may outlive this
};

void configure(WebSocket& socket, const Limits& limits) {
  auto timeout = websocket::stream_base::timeout::suggested(beast::role_type::server);
  timeout.idle_timeout = std::chrono::milliseconds(limits.ping_ms);
  timeout.keep_alive_pings = true;
  socket.set_option(timeout);
  socket.read_message_max(limits.websocket_message_bytes);
}

/// Writes one message; the client has to take it in time.
awaitable<bool> send(Client& client, const char* data, size_t size) {
  client.session.watchdog.arm(client.session.shared->limits.write_ms);
  const auto bytes = asio::buffer(data, size);
  auto [failure, written] = co_await client.socket.async_write(bytes, kAwait);
  client.session.watchdog.disarm();
  co_return !failure;
}

/// Reads one message, piece by piece. While this side closes no piece is begun, and what there is of a message is
/// dropped: Beast's close reads too, in between the pieces, and leaves the stream in a state that the next one takes
/// for a broken invariant, or for a message of another kind.
awaitable<ErrorCode> receive(Client& client, beast::flat_buffer& message) {
  while (!client.is_closing) {
    auto cancellable = asio::bind_cancellation_slot(client.waits->reading.slot(), kAwait);
    auto [failure, size] = co_await client.socket.async_read_some(message, 0, std::move(cancellable));
    if (failure) co_return failure;
    if (client.socket.is_message_done() && !client.is_closing) co_return ErrorCode();
  }
  if (!client.outcome) co_await client.until_closed.async_wait(kAwait);
  co_return client.outcome.value_or(asio::error::operation_aborted);
}

/// The client is to answer; the connection ends anyway when it has not in time.
awaitable<void> close(Client& client, websocket::close_reason reason, uint64_t timeout_ms) {
  client.is_closing = true;
  asio::steady_timer patience(client.session.transport.get_executor());
  patience.expires_after(std::chrono::milliseconds(timeout_ms));
  patience.async_wait([weak = std::weak_ptr(client.waits), of = client.session.weak_from_this()](ErrorCode cancelled) {
    const auto waits = weak.lock();
    const auto session = of.lock();
    if (cancelled || !waits || !session) return;
    session->transport.close();  // reads of a client that goes on and on are never found waiting
    waits->cancel();
  });
  auto cancellable = asio::bind_cancellation_slot(client.waits->closing.slot(), kAwait);
  auto [failure] = co_await client.socket.async_close(reason, std::move(cancellable));
  client.outcome = failure ? failure : ErrorCode(websocket::error::closed);
  client.until_closed.cancel();
}

// ---- feeds

struct FeedSocket {
  explicit FeedSocket(std::shared_ptr<Session> of) : session(std::move(of)), client(*session) {}
  const std::shared_ptr<Session> session;
  Client client;
};

/// A message for each line.
awaitable<bool> send_lines(std::shared_ptr<FeedSocket> feed, const FeedPieces& pieces) {
  feed->client.socket.text(true);
  for (const auto& piece : pieces) {
    for (std::string_view rest = piece.view(); !rest.empty();) {
      const size_t end = rest.find('\n');
      const bool sent = co_await send(feed->client, rest.data(), end);
      if (!sent) co_return false;
      rest.remove_prefix(end + 1);
    }
  }
  co_return true;
}

/// Reads, so that pings are answered and the end is noticed; what the client says is ignored.
awaitable<void> ignore_client(std::shared_ptr<FeedSocket> feed) {
  ErrorCode failure;
  while (!failure) {
    beast::flat_buffer ignored;
    failure = co_await receive(feed->client, ignored);
  }
  feed->session->transport.close();
  feed->session->notify();
}

// ---- bridges

struct Bridge {
  Bridge(std::shared_ptr<Session> of, Fd stream)
      : session(std::move(of)),
        client(*session),
        plugin(session->transport.get_executor(), asio::local::stream_protocol(), stream.release()),
        linger(session->transport.get_executor()) {}

  const std::shared_ptr<Session> session;
  Client client;
  StreamSocket plugin;
  asio::steady_timer linger;
  bool client_ended = false;  ///< it sends no more
  bool plugin_ended = false;
};

bool is_closed_both_ways(StreamSocket& socket) {
  pollfd state{socket.native_handle(), 0, 0};
  return ::poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

using Deadline = std::chrono::steady_clock::time_point;

/// What is left of a farewell for the client's answer to the close frame; a fifth of the whole in any case.
uint64_t time_to_close_ms(const Limits& limits, Deadline farewell_end) {
  using std::chrono::milliseconds;
  const auto left = std::chrono::duration_cast<milliseconds>(farewell_end - std::chrono::steady_clock::now()).count();
  return std::max<uint64_t>(left > 0 ? static_cast<uint64_t>(left) : 0, limits.linger_ms / 5 + 1);
}

/// The plugin has said all: tell the client, and give it a moment to say the rest.
awaitable<void> finish_outgoing(std::shared_ptr<Bridge> bridge) {
  bridge->plugin_ended = true;
  const Limits& limits = bridge->session->shared->limits;
  const Deadline farewell_end = std::chrono::steady_clock::now() + std::chrono::milliseconds(limits.linger_ms);
  if (!bridge->client_ended && !is_closed_both_ways(bridge->plugin)) {
    bridge->client.socket.text(true);
    const bool told = co_await send(bridge->client, kEnd.data(), kEnd.size());
    if (told && !bridge->client_ended) {
      bridge->linger.expires_at(farewell_end);
      co_await bridge->linger.async_wait(kAwait);
    }
  }
  const auto code =
      bridge->session->shared->draining ? websocket::close_code::going_away : websocket::close_code::normal;
  const websocket::close_reason reason(code);
  co_await close(bridge->client, reason, time_to_close_ms(limits, farewell_end));
}

/// Plugin to client.
awaitable<void> carry_out(std::shared_ptr<Bridge> bridge) {
  std::string bytes(kBridgeBytes, '\0');
  const auto space = asio::buffer(bytes);
  bool alive = true;
  while (alive) {
    auto [failure, size] = co_await bridge->plugin.async_read_some(space, kAwait);
    if (failure) break;
    bridge->client.socket.binary(true);
    alive = co_await send(bridge->client, bytes.data(), size);
  }
  co_await finish_outgoing(bridge);
}

bool says_end(const beast::flat_buffer& message) {
  const auto* text = static_cast<const char*>(message.data().data());
  const auto json = nlohmann::json::parse(text, text + message.size(), nullptr, false);
  return json.is_object() && json.value("type", nlohmann::json()) == "end";
}

/// Client to plugin, until the client has said all. False: the connection or the stream is broken.
awaitable<bool> carry_in(std::shared_ptr<Bridge> bridge) {
  while (true) {
    beast::flat_buffer message;
    const ErrorCode failure = co_await receive(bridge->client, message);
    if (failure) co_return false;
    if (bridge->client.socket.got_text()) {
      if (says_end(message)) co_return true;
      continue;
    }
    const std::string bytes(static_cast<const char*>(message.data().data()), message.size());
    const bool taken = co_await write_to_plugin(*bridge->session, bridge->plugin, bytes);
    if (!taken) co_return false;
  }
}

awaitable<void> carry_both_ways(std::shared_ptr<Bridge> bridge) {
  const bool finished = co_await carry_in(bridge);
  bridge->client_ended = true;
  ErrorCode ignored;
  bridge->plugin.shutdown(finished ? StreamSocket::shutdown_send : StreamSocket::shutdown_both, ignored);
  if (bridge->plugin_ended) bridge->linger.cancel();
  bool alive = finished;
  while (alive) {  // further messages have no meaning, but pings are answered and the end is noticed
    beast::flat_buffer rest;
    const ErrorCode failure = co_await receive(bridge->client, rest);
    alive = !failure;
  }
  bridge->plugin.shutdown(StreamSocket::shutdown_both, ignored);
}

// ---- messages

struct Talk {
  Talk(std::shared_ptr<Session> of, Fd stream)
      : session(std::move(of)),
        client(*session),
        plugin(session->transport.get_executor(), asio::local::stream_protocol(), stream.release()) {}

  const std::shared_ptr<Session> session;
  Client client;
  StreamSocket plugin;
  uint16_t closing_code = 0;  ///< of the end that the client is told; 0: of none
};

/// What the plugin says next; its end too. None: it has gone without a word, or says what no message is.
awaitable<std::optional<MessageFrame>> read_message(std::shared_ptr<Talk> talk) {
  std::array<char, kMessageHeadBytes> head{};
  const auto head_space = asio::buffer(head);
  auto [cut, got] = co_await asio::async_read(talk->plugin, head_space, kAwait);
  if (cut) co_return std::nullopt;
  const auto announced = parse_message_head({head.data(), head.size()});
  if (!announced) co_return std::nullopt;
  MessageFrame message{announced->kind, std::string(announced->size, '\0')};
  const auto space = asio::buffer(message.body);
  auto [cut_off, size] = co_await asio::async_read(talk->plugin, space, kAwait);
  if (cut_off || !is_message(message)) co_return std::nullopt;
  co_return message;
}

/// Plugin to client, until the plugin ends.
awaitable<void> pass_to_client(std::shared_ptr<Talk> talk) {
  websocket::close_reason reason(websocket::close_code::internal_error);
  bool alive = true;
  while (alive) {
    const auto message = co_await read_message(talk);
    if (!message && talk->session->shared->draining) reason.code = websocket::close_code::going_away;
    if (!message) break;
    if (message->kind == MessageKind::kEnd) {
      const auto end = parse_message_end(message->body);
      reason.code = static_cast<websocket::close_code>(end.code);
      reason.reason = end.reason;
      break;
    }
    talk->client.socket.text(message->kind == MessageKind::kText);
    alive = co_await send(talk->client, message->body.data(), message->body.size());
  }
  talk->closing_code = reason.code;
  co_await close(talk->client, reason, talk->session->shared->limits.linger_ms);
}

/// Client to plugin, until the client ends or the plugin takes no more; how it ended.
awaitable<MessageEnd> pass_to_plugin(std::shared_ptr<Talk> talk) {
  while (true) {
    beast::flat_buffer message;
    const ErrorCode failure = co_await receive(talk->client, message);
    if (failure == websocket::error::closed) {
      const auto& reason = talk->client.socket.reason();
      const std::string_view words(reason.reason.data(), reason.reason.size());
      co_return end_of_client(reason.code, words);
    }
    constexpr auto kGone = static_cast<uint16_t>(websocket::close_code::abnormal);
    if (failure) co_return end_of_client(talk->closing_code == 0 ? kGone : talk->closing_code, "");
    const auto kind = talk->client.socket.got_text() ? MessageKind::kText : MessageKind::kBinary;
    const std::string framed = frame_message(kind, {static_cast<const char*>(message.data().data()), message.size()});
    const bool taken = co_await write_to_plugin(*talk->session, talk->plugin, framed);
    ErrorCode ignored;
    if (!taken) talk->plugin.shutdown(StreamSocket::shutdown_receive, ignored);  // it has gone: tell the client
  }
}

}  // namespace

awaitable<void> serve_feed_websocket(std::shared_ptr<Session> session, HttpRequest request,
                                     std::shared_ptr<Feed> feed) {
  const auto to = std::make_shared<FeedSocket>(session);
  configure(to->client.socket, session->shared->limits);
  auto [refused] = co_await to->client.socket.async_accept(request, kAwait);
  if (refused) co_return;
  asio::co_spawn(session->transport.get_executor(), ignore_client(to), asio::detached);
  FeedSend send_to_client = [to](const FeedPieces& pieces) { return send_lines(to, pieces); };
  co_await pump(session, feed, FeedBody::Format::kWebSocket, send_to_client);
  const websocket::close_reason reason(websocket::close_code::going_away);
  co_await close(to->client, reason, session->shared->limits.linger_ms);
}

awaitable<void> serve_bridge(std::shared_ptr<Session> session, HttpRequest request, Fd socket) {
  const auto bridge = std::make_shared<Bridge>(session, std::move(socket));
  configure(bridge->client.socket, session->shared->limits);
  auto [refused] = co_await bridge->client.socket.async_accept(request, kAwait);
  if (refused) co_return;
  asio::co_spawn(session->transport.get_executor(), carry_out(bridge), asio::detached);
  session->when_draining([weak = std::weak_ptr(bridge)] {
    const auto alive = weak.lock();
    ErrorCode ignored;
    if (alive) alive->plugin.shutdown(StreamSocket::shutdown_both, ignored);
  });
  co_await carry_both_ways(bridge);
  session->on_drain = nullptr;
}

awaitable<void> serve_messages(std::shared_ptr<Session> session, HttpRequest request, MessagesBody messages) {
  const auto talk = std::make_shared<Talk>(session, std::move(messages.socket));
  configure(talk->client.socket, session->shared->limits);
  if (!messages.protocol.empty()) {
    websocket::stream_base::decorator chosen([protocol = messages.protocol](websocket::response_type& response) {
      response.set(http::field::sec_websocket_protocol, protocol);
    });
    talk->client.socket.set_option(std::move(chosen));
  }
  auto [refused] = co_await talk->client.socket.async_accept(request, kAwait);
  if (refused) co_return;
  asio::co_spawn(session->transport.get_executor(), pass_to_client(talk), asio::detached);
  session->when_draining([weak = std::weak_ptr(talk)] {
    const auto alive = weak.lock();
    ErrorCode ignored;
    if (alive) alive->plugin.shutdown(StreamSocket::shutdown_receive, ignored);  // who closes is pass_to_client() alone
  });
  const auto end = co_await pass_to_plugin(talk);
  const std::string last = frame_message(MessageKind::kEnd, format_message_end(end));
  co_await write_to_plugin(*session, talk->plugin, last);
  ErrorCode ignored;
  talk->plugin.shutdown(StreamSocket::shutdown_both, ignored);
  session->on_drain = nullptr;
}

}  // namespace novacron::host::api
