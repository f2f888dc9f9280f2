// Feeds and bridges, over plain HTTP and over WebSocket.
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <catch2/catch.hpp>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/api/testing/test_application.h"

using namespace novacron::host;
using namespace novacron::host::api;

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;

TEST_CASE_METHOD(ServerFixture, "A feed comes as lines, and its end is told") {
  TestClient client(path);
  application.tap->put(R"({"n":1})");
  client.send("GET /feed HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n").find("Transfer-Encoding: chunked") != std::string::npos);
  CHECK(client.read_until("\n\r\n") == "8\r\n{\"n\":1}\n\r\n");
  application.tap->put(R"({"n":2})");
  CHECK(client.read_until("\n\r\n") == "8\r\n{\"n\":2}\n\r\n");
  application.tap->end({Code::kOutOfRange, "gone", "state.compacted"});
  const auto rest = client.read_until("0\r\n\r\n");
  CHECK(rest.find("\"type\":\"ERROR\"") != std::string::npos);
  CHECK(rest.find("state.compacted") != std::string::npos);
  CHECK(client.is_closed());
}

TEST_CASE_METHOD(ServerFixture, "A feed comes as server-sent events with their ids") {
  TestClient client(path);
  application.tap->put(R"({"n":1})");
  client.send("GET /feed-sse HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_until("data: {\"n\":1}\n\n").find("id: 1\ndata: {\"n\":1}\n\n") != std::string::npos);
}

TEST_CASE_METHOD(ServerFixture, "A feed ends when its client goes away") {
  {
    TestClient client(path);
    client.send("GET /feed HTTP/1.1\r\nHost: a\r\n\r\n");
    client.read_until("\r\n\r\n");
  }
  std::unique_lock lock(application.tap->mutex);
  CHECK(application.tap->changed.wait_for(lock, std::chrono::seconds(10), [&] { return application.tap->gone; }));
}

TEST_CASE_METHOD(ServerFixture, "Feeds beyond the limit get 503") {
  start({.feeds = 1});
  TestClient first(path), second(path);
  first.send("GET /feed HTTP/1.1\r\nHost: a\r\n\r\n");
  first.read_until("\r\n\r\n");
  const auto answer = second.call("GET", "/feed");
  CHECK(answer.status == 503);
  CHECK(reason_of(answer) == "api.watchers");
}

namespace {

struct WebSocketClient {
  explicit WebSocketClient(const std::string& path, const std::string& target) : stream(io) {
    stream.next_layer().connect(asio::local::stream_protocol::endpoint(path));
    stream.handshake("localhost", target);
  }
  /// The next message; "" and `ended` when there is none.
  std::string read() {
    beast::flat_buffer buffer;
    boost::system::error_code failure;
    stream.read(buffer, failure);
    ended = static_cast<bool>(failure);
    return beast::buffers_to_string(buffer.data());
  }
  void write(const std::string& text, bool binary) {
    stream.binary(binary);
    stream.write(asio::buffer(text));
  }
  asio::io_context io;
  websocket::stream<asio::local::stream_protocol::socket> stream;
  bool ended = false;
};

std::string read_fd(int fd, size_t size) {
  std::string text(size, '\0');
  size_t at = 0;
  while (at < size) {
    const ssize_t got = ::read(fd, text.data() + at, size - at);
    if (got <= 0) break;
    at += static_cast<size_t>(got);
  }
  text.resize(at);
  return text;
}

}  // namespace

TEST_CASE_METHOD(ServerFixture, "A feed over WebSocket sends messages, then why it ended") {
  WebSocketClient client(path, "/feed");
  application.tap->put(R"({"n":1})");
  application.tap->put(R"({"n":2})");
  CHECK(client.read() == R"({"n":1})");
  CHECK(client.read() == R"({"n":2})");
  application.tap->end({Code::kOutOfRange, "gone", "resource.watch-lagged"});
  const auto last = nlohmann::json::parse(client.read());
  CHECK(last["type"] == "ERROR");
  CHECK(last["error"]["reason"] == "resource.watch-lagged");
  client.read();
  CHECK(client.ended);
}

TEST_CASE_METHOD(ServerFixture, "A WebSocket client that does not read is cut, and its feed ends") {
  start({.write_ms = 50});
  WebSocketClient client(path, "/feed");
  for (int i = 0; i < 64; ++i) application.tap->put(std::string(100'000, 'x'));
  std::unique_lock lock(application.tap->mutex);
  CHECK(application.tap->changed.wait_for(lock, std::chrono::seconds(10), [&] { return application.tap->gone; }));
}

TEST_CASE_METHOD(ServerFixture, "A WebSocket without a sign of life is pinged, and then closed") {
  start({.ping_ms = 100});
  TestClient client(path);
  client.send(
      "GET /feed HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  CHECK_THAT(client.read_until("\r\n\r\n"), Catch::StartsWith("HTTP/1.1 101 "));
  const std::string ping("\x89\x00", 2);
  CHECK(client.read_until(ping) == ping);
  CHECK(client.is_closed());
  std::unique_lock lock(application.tap->mutex);
  CHECK(application.tap->changed.wait_for(lock, std::chrono::seconds(10), [&] { return application.tap->gone; }));
}

TEST_CASE_METHOD(ServerFixture, "A bridge carries bytes both ways and a half-close to each side") {
  WebSocketClient client(path, "/bridge");
  const int plugin = application.plugin_end.get();
  client.write("to the plugin", true);
  CHECK(read_fd(plugin, 13) == "to the plugin");
  REQUIRE(::write(plugin, "to the client", 13) == 13);
  CHECK(client.read() == "to the client");
  CHECK(client.stream.got_binary());
  client.write(R"({"type":"end"})", false);
  CHECK(read_fd(plugin, 1) == "");  // the end
  REQUIRE(::write(plugin, "last", 4) == 4);
  CHECK(client.read() == "last");
  application.plugin_end.reset();
  client.read();
  CHECK(client.ended);
  CHECK(client.stream.reason().code == websocket::close_code::normal);
}

TEST_CASE_METHOD(ServerFixture, "When the plugin says all first, the client is told and may still send") {
  WebSocketClient client(path, "/bridge");
  const int plugin = application.plugin_end.get();
  REQUIRE(::shutdown(plugin, SHUT_WR) == 0);
  CHECK(client.read() == R"({"type":"end"})");
  CHECK(client.stream.got_text());
  client.write("late", true);
  CHECK(read_fd(plugin, 4) == "late");
  client.write(R"({"type":"end"})", false);
  client.read();
  CHECK(client.ended);
}

TEST_CASE_METHOD(ServerFixture, "A bridge holds back a client whose plugin does not read") {
  WebSocketClient client(path, "/bridge");
  const std::string piece(32'000, 'p');
  constexpr int kPieces = 100;
  std::thread writer([&] {
    for (int i = 0; i < kPieces; ++i) client.write(piece, true);
  });
  const auto all = read_fd(application.plugin_end.get(), piece.size() * kPieces);
  writer.join();
  CHECK(all.size() == piece.size() * kPieces);
}

TEST_CASE_METHOD(ServerFixture, "A message over the limit ends the WebSocket") {
  WebSocketClient client(path, "/bridge");
  client.write(std::string(65'537, 'x'), true);
  client.read();
  CHECK(client.ended);
  CHECK(read_fd(application.plugin_end.get(), 1) == "");
}

TEST_CASE_METHOD(ServerFixture, "Stopping ends bridges") {
  WebSocketClient client(path, "/bridge");
  auto stopped = std::async(std::launch::async, [&] { server->stop(10'000); });
  client.read();
  CHECK(client.ended);
  stopped.get();
}

namespace {

/// A client that speaks frames by hand.
struct RawClient : TestClient {
  RawClient(const std::string& path, const std::string& target) : TestClient(path) {
    send("GET " + target +
         " HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    CHECK_THAT(read_until("\r\n\r\n"), Catch::StartsWith("HTTP/1.1 101 "));
  }
};

}  // namespace

TEST_CASE_METHOD(ServerFixture, "A client that answers the close with a broken frame is cut off all the same") {
  start({.linger_ms = 50});
  RawClient client(path, "/feed");
  application.tap->end({Code::kOutOfRange, "gone", "state.compacted"});
  const std::string going_away("\x88\x02\x03\xe9", 4);
  CHECK_THAT(client.read_until(going_away), Catch::EndsWith(going_away));
  client.send(std::string("\xff\xff", 2));
  CHECK(client.is_closed());
  std::unique_lock lock(application.tap->mutex);
  CHECK(application.tap->changed.wait_for(lock, std::chrono::seconds(10), [&] { return application.tap->gone; }));
  lock.unlock();
  server->stop(10'000);
  CHECK(server->connections() == 0);
}

TEST_CASE_METHOD(ServerFixture, "A client that stays silent when the plugin has said all is cut off") {
  start({.linger_ms = 50});
  RawClient client(path, "/bridge");
  REQUIRE(::shutdown(application.plugin_end.get(), SHUT_WR) == 0);
  const std::string end = R"({"type":"end"})";
  CHECK_THAT(client.read_until(end), Catch::EndsWith(end));
  CHECK(client.is_closed());
  CHECK(read_fd(application.plugin_end.get(), 1) == "");
}

TEST_CASE_METHOD(ServerFixture,
                 "A plugin that takes nothing from a bridge loses it, and its client that goes on and on too") {
  start({.write_ms = 50, .linger_ms = 50});
  RawClient client(path, "/bridge");
  const std::string message = std::string("\x82\xfe\x7d\x00\x00\x00\x00\x00", 8) + std::string(32'000, 'p');
  const timeval patience{10, 0};
  REQUIRE(::setsockopt(client.fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0);
  while (::send(client.fd(), message.data(), message.size(), MSG_NOSIGNAL) > 0) {
  }
  CHECK((errno == EPIPE || errno == ECONNRESET));
  CHECK(client.is_closed());
}
