// Bodies and messages that go through a plugin's socket.
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

#include "host/api/message_frames.h"
#include "host/api/testing/test_application.h"
#include "host/api/testing/test_client.h"

using namespace novacron::host;
using namespace novacron::host::api;

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;

constexpr size_t kLarge = 300'000;  ///< more than what these servers take whole

struct Talker {
  explicit Talker(const std::string& path) : stream(io) {
    stream.next_layer().connect(asio::local::stream_protocol::endpoint(path));
    stream.handshake(response, "localhost", "/messages");
  }
  std::string read() {
    beast::flat_buffer buffer;
    boost::system::error_code failure;
    stream.read(buffer, failure);
    ended = static_cast<bool>(failure);
    return beast::buffers_to_string(buffer.data());
  }
  asio::io_context io;
  websocket::stream<asio::local::stream_protocol::socket> stream;
  websocket::response_type response;
  bool ended = false;
};

std::string read_fd(int fd, size_t size) {
  std::string text(size, '\0');
  size_t at = 0;
  for (ssize_t got = 0; at < size && (got = ::read(fd, text.data() + at, size - at)) > 0;)
    at += static_cast<size_t>(got);
  text.resize(at);
  return text;
}

void write_fd(int fd, const std::string& bytes) {
  REQUIRE(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

}  // namespace

TEST_CASE_METHOD(ServerFixture, "A streamed answer goes to the client as it comes, and ends with its stream") {
  TestClient client(path);
  client.send("GET /generated HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string head = client.read_until("\r\n\r\n");
  CHECK_THAT(head, Catch::Contains("Transfer-Encoding: chunked"));
  CHECK(client.read_until("first,\r\n") == "6\r\nfirst,\r\n");
  write_fd(application.plugin_end.get(), "second");
  CHECK(client.read_until("second\r\n") == "6\r\nsecond\r\n");
  application.plugin_end.reset();
  CHECK(client.read_until("0\r\n\r\n") == "0\r\n\r\n");
  CHECK(client.is_closed());
}

TEST_CASE_METHOD(ServerFixture, "A client of HTTP/1.0 gets a stream without chunks, and HEAD none at all") {
  TestClient client(path);
  client.send("GET /generated HTTP/1.0\r\nHost: a\r\n\r\n");
  CHECK_THAT(client.read_until("\r\n\r\n"), !Catch::Contains("chunked"));
  write_fd(application.plugin_end.get(), "rest");
  application.plugin_end.reset();
  CHECK(client.read_until("rest") == "first,rest");
  CHECK(client.is_closed());
  TestClient other(path);
  other.send("HEAD /generated HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK_THAT(other.read_until("\r\n\r\n"), Catch::StartsWith("HTTP/1.1 200"));
  CHECK(other.is_closed());
}

TEST_CASE_METHOD(ServerFixture, "A streamed answer whose length is known has it, and one that ends before breaks off") {
  TestClient client(path);
  client.send("GET /generated-sized HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK_THAT(client.read_until("\r\n\r\n"), Catch::Contains("Content-Length: 10"));
  write_fd(application.plugin_end.get(), "1234, and more than was said");
  CHECK(client.read_until("1234") == "first,1234");
  CHECK(client.is_closed());
  TestClient other(path);
  other.send("GET /generated-sized HTTP/1.1\r\nHost: a\r\n\r\n");
  other.read_until("first,");
  application.plugin_end.reset();
  CHECK(other.read_until("never") == "");
}

TEST_CASE_METHOD(ServerFixture, "When the client goes, its plugin's stream ends") {
  {
    TestClient client(path);
    client.send("GET /generated HTTP/1.1\r\nHost: a\r\n\r\n");
    client.read_until("first,");
  }
  CHECK(read_fd(application.plugin_end.get(), 1) == "");
}

TEST_CASE_METHOD(ServerFixture, "Streams count as feeds") {
  start({.feeds = 1});
  TestClient first(path), second(path);
  first.send("GET /generated HTTP/1.1\r\nHost: a\r\n\r\n");
  first.read_until("first,");
  const Fd held = std::move(application.plugin_end);
  CHECK(second.call("GET", "/generated").status == 503);
}

TEST_CASE_METHOD(ServerFixture, "A large body goes on as a stream, a small one comes whole, however they are sent") {
  start({.body_bytes = 100'000});
  TestClient client(path);
  CHECK(client.call("POST", "/pipe", "small").body == "whole:5");
  CHECK(client.call("POST", "/pipe", std::string(kLarge, 'x')).body == "piped:" + std::to_string(kLarge));
  CHECK(client.call("POST", "/pipe", "again").body == "whole:5");
  const auto chunked = [&](size_t size) {
    char head[16];
    std::snprintf(head, sizeof head, "%zx\r\n", size);
    client.send("POST /pipe HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(head) +
                std::string(size, 'y') + "\r\n0\r\n\r\n");
    return client.read_answer().body;
  };
  CHECK(chunked(7) == "whole:7");
  CHECK(chunked(kLarge) == "piped:" + std::to_string(kLarge));
}

TEST_CASE_METHOD(ServerFixture, "A large body is refused before it is sent, or answered before it has ended") {
  start({.body_bytes = 100'000});
  TestClient refused(path);
  refused.send(
      "POST /pipe HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\nExpect: 100-continue\r\nX-Refuse: yes\r\n\r\n");
  CHECK(refused.read_answer().status == 403);
  TestClient awaited(path);
  awaited.send("POST /pipe HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\nExpect: 100-continue\r\n\r\n");
  CHECK(awaited.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  awaited.send(std::string(kLarge, 'x'));
  CHECK(awaited.read_answer().body == "piped:300000");
  TestClient early(path);
  early.send("POST /pipe-early HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n" + std::string(kLarge, 'x'));
  CHECK(early.read_answer().body == "piped:0");
}

TEST_CASE_METHOD(ServerFixture, "Uploads have a limit, and one whose client is slow or gone gives its place back") {
  start({.body_bytes = 1'000, .uploads = 1, .body_ms = 200});
  TestClient slow(path), other(path);
  slow.send("POST /pipe HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n0123456789");
  const auto refused = [&] {
    TestClient client(path);
    return client.call("POST", "/pipe", std::string(2'000, 'x'));
  };
  auto answer = refused();
  while (answer.status == 200) answer = refused();  // the slow one has not begun yet
  CHECK(answer.status == 503);
  CHECK(nlohmann::json::parse(answer.body)["reason"] == "api.uploads");
  CHECK(slow.read_answer().status == 408);
  while (answer.status == 503) answer = refused();
  CHECK(answer.body == "piped:2000");
}

TEST_CASE_METHOD(ServerFixture, "Messages keep their kind and their bounds, both ways") {
  Talker client(path);
  CHECK(client.response[beast::http::field::sec_websocket_protocol] == "chat");
  const int plugin = application.plugin_end.get();
  client.stream.text(true);
  client.stream.write(asio::buffer(std::string("to the plugin")));
  CHECK(read_fd(plugin, 18) == frame_message(MessageKind::kText, "to the plugin"));
  client.stream.binary(true);
  client.stream.write(asio::buffer(std::string()));
  CHECK(read_fd(plugin, 5) == frame_message(MessageKind::kBinary, ""));
  write_fd(plugin, frame_message(MessageKind::kBinary, "one") + frame_message(MessageKind::kText, "two"));
  CHECK(client.read() == "one");
  CHECK(client.stream.got_binary());
  CHECK(client.read() == "two");
  CHECK(client.stream.got_text());
}

TEST_CASE_METHOD(ServerFixture, "The end of either side has its code at the other") {
  Talker client(path);
  client.stream.close(websocket::close_reason(websocket::close_code::policy_error, "enough"));
  CHECK(read_fd(application.plugin_end.get(), 100) ==
        frame_message(MessageKind::kEnd, format_message_end({1'008, "enough"})));
  Talker other(path);
  write_fd(application.plugin_end.get(), frame_message(MessageKind::kEnd, format_message_end({4'001, "done"})));
  other.read();
  CHECK(other.ended);
  CHECK(other.stream.reason().code == 4'001);
  CHECK(other.stream.reason().reason == "done");
}

TEST_CASE_METHOD(ServerFixture, "A client that goes without a word is 1006, a plugin that fails is 1011") {
  {
    Talker client(path);
    boost::system::error_code ignored;
    client.stream.next_layer().close(ignored);
  }
  CHECK(read_fd(application.plugin_end.get(), 100) ==
        frame_message(MessageKind::kEnd, format_message_end({1'006, ""})));
  for (const std::string& last :
       {std::string(), std::string("\x01\0\0", 3), std::string("\x05\0\0\0\0", 5),
        frame_message(MessageKind::kText, "\xff"), frame_message(MessageKind::kEnd, "\x01")}) {
    CAPTURE(last);
    Talker client(path);
    if (!last.empty()) write_fd(application.plugin_end.get(), last);
    application.plugin_end.reset();
    client.read();
    CHECK(client.ended);
    CHECK(client.stream.reason().code == 1'011);
  }
}

TEST_CASE_METHOD(ServerFixture, "A plugin that takes nothing loses its stream") {
  start({.write_ms = 100});
  Talker client(path);
  boost::system::error_code failure;
  const std::string piece(60'000, 'x');
  for (int i = 0; i < 50 && !failure; ++i) client.stream.write(asio::buffer(piece), failure);
  client.read();
  CHECK(client.stream.reason().code == 1'011);
}

TEST_CASE_METHOD(ServerFixture, "Stopping ends messages with 1001") {
  Talker client(path);
  auto stopped = std::async(std::launch::async, [&] { server->stop(10'000); });
  client.read();
  CHECK(client.stream.reason().code == websocket::close_code::going_away);
  CHECK(read_fd(application.plugin_end.get(), 100) ==
        frame_message(MessageKind::kEnd, format_message_end({1'001, ""})));
  application.plugin_end.reset();
  stopped.get();
}
