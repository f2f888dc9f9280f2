// WebSocket: feeds as text messages, and stream sockets as binary ones.
//
// A bridge joins a WebSocket with a stream socket. Binary messages are bytes, both ways. The text message
// {"type":"end"} says that its sender sends no more bytes, as a half-close of the socket does; a client that closes the
// WebSocket ends both directions.
//
// Messages between a client and a plugin are framed on the plugin's socket as novacron.http.v1 says.
#include <poll.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
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
constexpr uint64_t kLingerMs = 5'000;
constexpr std::string_view kEnd = R"({"type":"end"})";

void configure(WebSocket& socket, const Limits& limits) {
  auto timeout = websocket::stream_base::timeout::suggested(beast::role_type::server);
  timeout.idle_timeout = std::chrono::milliseconds(limits.ping_ms);
  timeout.keep_alive_pings = true;
  socket.set_option(timeout);
  socket.read_message_max(limits.websocket_message_bytes);
}

/// Writes one message; the client has to take it in time.
awaitable<bool> send(Session& session, WebSocket& socket, const char* data, size_t size) {
  session.watchdog.arm(session.shared->limits.write_ms);
  const auto bytes = asio::buffer(data, size);
  auto [failure, written] = co_await socket.async_write(bytes, kAwait);
  session.watchdog.disarm();
  co_return !failure;
}

// ---- feeds

struct FeedSocket {
  explicit FeedSocket(std::shared_ptr<Session> of) : session(std::move(of)), socket(session->transport) {}
  const std::shared_ptr<Session> session;
  WebSocket socket;
};

/// A message for each line.
awaitable<bool> send_lines(std::shared_ptr<FeedSocket> client, const FeedPieces& pieces) {
  client->socket.text(true);
  for (const auto& piece : pieces) {
    for (std::string_view rest = piece.view(); !rest.empty();) {
      const size_t end = rest.find('\n');
      const bool sent = co_await send(*client->session, client->socket, rest.data(), end);
      if (!sent) co_return false;
      rest.remove_prefix(end + 1);
    }
  }
  co_return true;
}

/// Reads, so that pings are answered and the end is noticed; what the client says is ignored.
awaitable<void> ignore_client(std::shared_ptr<FeedSocket> client) {
  ErrorCode failure;
  while (!failure) {
    beast::flat_buffer ignored;
    std::tie(failure, std::ignore) = co_await client->socket.async_read(ignored, kAwait);
  }
  client->session->transport.close();
  client->session->notify();
}

// ---- bridges

struct Bridge {
  Bridge(std::shared_ptr<Session> of, Fd stream)
      : session(std::move(of)),
        client(session->transport),
        plugin(session->transport.get_executor(), asio::local::stream_protocol(), stream.release()),
        linger(session->transport.get_executor()) {}

  const std::shared_ptr<Session> session;
  WebSocket client;
  StreamSocket plugin;
  asio::steady_timer linger;
  bool client_ended = false;  ///< it sends no more
  bool plugin_ended = false;
};

bool is_closed_both_ways(StreamSocket& socket) {
  pollfd state{socket.native_handle(), 0, 0};
  return ::poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

awaitable<void> close(std::shared_ptr<Bridge> bridge, websocket::close_code code) {
  const websocket::close_reason reason(code);
  bridge->session->watchdog.arm(kLingerMs);
  co_await bridge->client.async_close(reason, kAwait);
  bridge->session->watchdog.disarm();
}

/// The plugin has said all: tell the client, and give it a moment to say the rest.
awaitable<void> finish_outgoing(std::shared_ptr<Bridge> bridge) {
  bridge->plugin_ended = true;
  if (!bridge->client_ended && !is_closed_both_ways(bridge->plugin)) {
    bridge->client.text(true);
    const bool told = co_await send(*bridge->session, bridge->client, kEnd.data(), kEnd.size());
    if (told && !bridge->client_ended) {
      bridge->linger.expires_after(std::chrono::milliseconds(kLingerMs));
      co_await bridge->linger.async_wait(kAwait);
    }
  }
  const auto code =
      bridge->session->shared->draining ? websocket::close_code::going_away : websocket::close_code::normal;
  co_await close(bridge, code);
}

/// Plugin to client.
awaitable<void> carry_out(std::shared_ptr<Bridge> bridge) {
  std::string bytes(kBridgeBytes, '\0');
  const auto space = asio::buffer(bytes);
  bool alive = true;
  while (alive) {
    auto [failure, size] = co_await bridge->plugin.async_read_some(space, kAwait);
    if (failure) break;
    bridge->client.binary(true);
    alive = co_await send(*bridge->session, bridge->client, bytes.data(), size);
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
    auto [failure, size] = co_await bridge->client.async_read(message, kAwait);
    if (failure) co_return false;
    if (bridge->client.got_text()) {
      if (says_end(message)) co_return true;
      continue;
    }
    const auto bytes = message.data();
    auto [broken, written] = co_await asio::async_write(bridge->plugin, bytes, kAwait);
    if (broken) co_return false;
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
    auto [failure, size] = co_await bridge->client.async_read(rest, kAwait);
    alive = !failure;
  }
  bridge->plugin.shutdown(StreamSocket::shutdown_both, ignored);
}

// ---- messages

struct Talk {
  Talk(std::shared_ptr<Session> of, Fd stream)
      : session(std::move(of)),
        client(session->transport),
        plugin(session->transport.get_executor(), asio::local::stream_protocol(), stream.release()) {}

  const std::shared_ptr<Session> session;
  WebSocket client;
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
    talk->client.text(message->kind == MessageKind::kText);
    alive = co_await send(*talk->session, talk->client, message->body.data(), message->body.size());
  }
  talk->closing_code = reason.code;
  talk->session->watchdog.arm(kLingerMs);
  co_await talk->client.async_close(reason, kAwait);
  talk->session->watchdog.disarm();
}

/// Client to plugin, until the client ends or the plugin takes no more; how it ended.
awaitable<MessageEnd> pass_to_plugin(std::shared_ptr<Talk> talk) {
  while (true) {
    beast::flat_buffer message;
    auto [failure, size] = co_await talk->client.async_read(message, kAwait);
    if (failure == websocket::error::closed) {
      const auto& reason = talk->client.reason();
      const std::string_view words(reason.reason.data(), reason.reason.size());
      co_return end_of_client(reason.code, words);
    }
    constexpr auto kGone = static_cast<uint16_t>(websocket::close_code::abnormal);
    if (failure) co_return end_of_client(talk->closing_code == 0 ? kGone : talk->closing_code, "");
    const auto kind = talk->client.got_text() ? MessageKind::kText : MessageKind::kBinary;
    const std::string framed = frame_message(kind, {static_cast<const char*>(message.data().data()), message.size()});
    const bool taken = co_await write_to_plugin(*talk->session, talk->plugin, framed);
    ErrorCode ignored;
    if (!taken) talk->plugin.shutdown(StreamSocket::shutdown_receive, ignored);  // it has gone: tell the client
  }
}

}  // namespace

awaitable<void> serve_feed_websocket(std::shared_ptr<Session> session, HttpRequest request,
                                     std::shared_ptr<Feed> feed) {
  const auto client = std::make_shared<FeedSocket>(session);
  configure(client->socket, session->shared->limits);
  auto [refused] = co_await client->socket.async_accept(request, kAwait);
  if (refused) co_return;
  asio::co_spawn(session->transport.get_executor(), ignore_client(client), asio::detached);
  FeedSend send_to_client = [client](const FeedPieces& pieces) { return send_lines(client, pieces); };
  co_await pump(session, feed, FeedBody::Format::kWebSocket, send_to_client);
  const websocket::close_reason reason(websocket::close_code::going_away);
  session->watchdog.arm(kLingerMs);
  co_await client->socket.async_close(reason, kAwait);
  session->watchdog.disarm();
}

awaitable<void> serve_bridge(std::shared_ptr<Session> session, HttpRequest request, Fd socket) {
  const auto bridge = std::make_shared<Bridge>(session, std::move(socket));
  configure(bridge->client, session->shared->limits);
  auto [refused] = co_await bridge->client.async_accept(request, kAwait);
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
  configure(talk->client, session->shared->limits);
  if (!messages.protocol.empty()) {
    websocket::stream_base::decorator chosen([protocol = messages.protocol](websocket::response_type& response) {
      response.set(http::field::sec_websocket_protocol, protocol);
    });
    talk->client.set_option(std::move(chosen));
  }
  auto [refused] = co_await talk->client.async_accept(request, kAwait);
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
