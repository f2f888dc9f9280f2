#include "host/api/server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/api/testing/test_client.h"
#include "host/base/file.h"

using namespace novacron::host;
using namespace novacron::host::api;

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;

namespace {

/// Messages that a test puts in.
class TestFeed final : public Feed {
 public:
  struct Tap {
    void put(std::string json) {
      {
        std::lock_guard lock(mutex);
        messages.push_back({std::move(json), std::to_string(++count)});
      }
      signal.raise();
    }
    void end(Error why) {
      {
        std::lock_guard lock(mutex);
        error = std::move(why);
      }
      signal.raise();
    }
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<FeedMessage> messages;
    std::optional<Error> error;
    uint64_t count = 0;
    bool gone = false;
    Signal signal;
  };
  explicit TestFeed(std::shared_ptr<Tap> tap) : tap_(std::move(tap)) {}
  ~TestFeed() override {
    std::lock_guard lock(tap_->mutex);
    tap_->gone = true;
    tap_->changed.notify_all();
  }
  Result<std::vector<FeedMessage>> take(size_t max) override {
    std::lock_guard lock(tap_->mutex);
    std::vector<FeedMessage> taken;
    while (taken.size() < max && !tap_->messages.empty()) {
      taken.push_back(tap_->messages.front());
      tap_->messages.erase(tap_->messages.begin());
    }
    if (taken.empty() && tap_->error) return *tap_->error;
    return taken;
  }
  Signal& signal() override { return tap_->signal; }

 private:
  std::shared_ptr<Tap> tap_;
};

/// Collects a streamed body.
class TestSink final : public BodySink {
 public:
  Status write(std::string_view chunk) override {
    if (chunk.find("poison") != std::string_view::npos) return Error{Code::kInvalidArgument, "poison", "test.poison"};
    size_ += chunk.size();
    return {};
  }
  Response finish() override { return json_response(201, std::to_string(size_)); }

 private:
  size_t size_ = 0;
};

class TestApplication final : public Application {
 public:
  bool streams_body(const Request& head) const override { return head.target == "/stream"; }
  std::variant<Response, std::unique_ptr<BodySink>> begin(const Request& head) override {
    if (head.headers.get("X-Refuse") == "yes") return json_response(403, "no");
    return std::make_unique<TestSink>();
  }
  Response handle(const Request& request) override {
    if (request.target == "/echo") return json_response(200, request.body);
    if (request.target == "/peer") return json_response(200, std::to_string(request.peer.uid.value_or(12345)));
    if (request.target == "/trace") return json_response(200, request.trace_parent);
    if (request.target == "/big") return json_response(200, std::string(8 << 20, 'x'));
    if (request.target == "/wait") return wait();
    if (request.target == "/file") return file();
    if (request.target.starts_with("/feed")) return feed_response(request);
    if (request.target == "/bridge") return bridge_response();
    return json_response(404, "{}");
  }

  void open_gate() {
    std::lock_guard lock(mutex);
    gate_open = true;
    changed.notify_all();
  }
  void wait_for_waiting(size_t count) {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return waiting >= count; }));
  }

  std::mutex mutex;
  std::condition_variable changed;
  bool gate_open = false;
  size_t waiting = 0;
  std::shared_ptr<TestFeed::Tap> tap = std::make_shared<TestFeed::Tap>();
  std::string file_path;
  Fd plugin_end;

 private:
  Response wait() {
    std::unique_lock lock(mutex);
    ++waiting;
    changed.notify_all();
    changed.wait(lock, [&] { return gate_open; });
    return json_response(200, "waited");
  }
  Response file() {
    Response response;
    const auto size = std::filesystem::file_size(file_path);
    response.body = FileBody{Fd(::open(file_path.c_str(), O_RDONLY | O_CLOEXEC)), size};
    return response;
  }
  Response feed_response(const Request& request) {
    Response response;
    FeedBody body{std::make_unique<TestFeed>(tap), FeedBody::Format::kLines};
    if (request.is_websocket) body.format = FeedBody::Format::kWebSocket;
    if (request.target == "/feed-sse") body.format = FeedBody::Format::kServerSentEvents;
    response.body = std::move(body);
    return response;
  }
  Response bridge_response() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return json_response(500, "{}");
    std::lock_guard lock(mutex);
    plugin_end = Fd(ends[0]);
    changed.notify_all();
    Response response;
    response.body = BridgeBody{Fd(ends[1])};
    return response;
  }
};

struct Fixture {
  Fixture() { start({}); }
  void start(const Limits& limits) {
    server.reset();
    Server::Options options;
    options.unix_socket = path;
    options.limits = limits;
    auto made = Server::create(options, application, pool);
    REQUIRE(made.ok());
    server = *std::move(made);
    server->start();
  }
  ~Fixture() { application.open_gate(); }

  TestFolder folder;
  const std::string path = folder.path + "/api.sock";
  WorkerPool pool{{}};
  TestApplication application;
  std::unique_ptr<Server> server;
};

std::string reason_of(const Answer& answer) {
  const auto json = nlohmann::json::parse(answer.body, nullptr, false);
  return json.is_object() ? json.value("reason", "") : "";
}

}  // namespace

TEST_CASE_METHOD(Fixture, "Requests on one connection are answered one after another") {
  TestClient client(path);
  CHECK(client.call("POST", "/echo", "first").body == "first");
  const auto second = client.call("POST", "/echo", "second");
  CHECK(second.status == 200);
  CHECK(second.body == "second");
  CHECK(second.header("X-Content-Type-Options") == "nosniff");
  CHECK(second.header("Cache-Control") == "no-store");
  CHECK(second.header("X-Request-Id").size() == 16);
}

TEST_CASE_METHOD(Fixture, "Pipelined requests are answered in order") {
  TestClient client(path);
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1"
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n2");
  CHECK(client.read_answer().body == "1");
  CHECK(client.read_answer().body == "2");
}

TEST_CASE_METHOD(Fixture, "The answer to HEAD has the length and no body") {
  TestClient client(path);
  const auto answer = client.call("HEAD", "/big");
  CHECK(answer.header("Content-Length") == std::to_string(8 << 20));
  CHECK(client.call("POST", "/echo", "next").body == "next");
}

TEST_CASE_METHOD(Fixture, "The client's request id and trace are taken over, or replaced when malformed") {
  TestClient client(path);
  const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const auto answer = client.call("GET", "/trace", "", "X-Request-Id: mine-1\r\ntraceparent: " + trace + "\r\n");
  CHECK(answer.header("X-Request-Id") == "mine-1");
  CHECK(answer.body.substr(0, 36) == trace.substr(0, 36));
  CHECK(answer.body != trace);
  const auto other = client.call("GET", "/trace", "", "X-Request-Id: a b\r\ntraceparent: 00-zz\r\n");
  CHECK(other.header("X-Request-Id").size() == 16);
  CHECK(other.body.size() == 55);
}

TEST_CASE_METHOD(Fixture, "The local socket has mode 0660 and tells who is there") {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0660);
  TestClient client(path);
  CHECK(client.call("GET", "/peer").body == std::to_string(::geteuid()));
}

TEST_CASE_METHOD(Fixture, "A body over the limit is refused by its announced length and by its chunks") {
  start({.body_bytes = 1'000});
  TestClient fits(path);
  CHECK(fits.call("POST", "/echo", std::string(1'000, 'a')).status == 200);
  TestClient announced(path);
  const auto refused = announced.call("POST", "/echo", std::string(1'001, 'a'));
  CHECK(refused.status == 413);
  CHECK(reason_of(refused) == "http.body-too-large");
  CHECK(announced.is_closed());
  TestClient chunked(path);
  chunked.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1'001, 'a') +
               "\r\n0\r\n\r\n");
  CHECK(chunked.read_answer().status == 413);
}

TEST_CASE_METHOD(Fixture, "Headers over the limit are refused") {
  start({.header_bytes = 1'024});
  TestClient client(path);
  const auto answer = client.call("GET", "/echo", "", "X-Long: " + std::string(2'000, 'a') + "\r\n");
  CHECK(answer.status == 431);
  CHECK(reason_of(answer) == "http.headers-too-large");
}

TEST_CASE_METHOD(Fixture, "What is not HTTP is refused") {
  TestClient client(path);
  client.send("nonsense\r\n\r\n");
  const auto answer = client.read_answer();
  CHECK(answer.status == 400);
  CHECK(reason_of(answer) == "http.malformed");
}

TEST_CASE_METHOD(Fixture, "A client that sends its headers or its body too slowly is told so and closed") {
  start({.header_ms = 50, .body_ms = 50});
  TestClient slow_head(path);
  slow_head.send("GET /echo HTTP/1.1\r\nHost:");
  CHECK(slow_head.read_answer().status == 408);
  TestClient slow_body(path);
  slow_body.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  const auto answer = slow_body.read_answer();
  CHECK(answer.status == 408);
  CHECK(reason_of(answer) == "http.timeout");
  CHECK(slow_body.is_closed());
}

TEST_CASE_METHOD(Fixture, "An idle connection is closed") {
  start({.idle_ms = 50});
  TestClient client(path);
  CHECK(client.is_closed());
}

TEST_CASE_METHOD(Fixture, "A client that does not read its answer is cut") {
  start({.write_ms = 50});
  TestClient client(path);
  client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  TestClient other(path);
  CHECK(other.call("POST", "/echo", "others are served").status == 200);
  while (server->connections() > 1) std::this_thread::yield();
  std::string all = client.read_until("no such text");
  CHECK(all.size() < (8 << 20));
}

TEST_CASE_METHOD(Fixture, "Connections beyond the limit get 503 and a time to come back") {
  start({.connections = 1});
  TestClient first(path);
  CHECK(first.call("POST", "/echo", "a").status == 200);
  TestClient second(path);
  const auto answer = second.call("POST", "/echo", "b");
  CHECK(answer.status == 503);
  CHECK(answer.header("Retry-After") == "1");
  CHECK(reason_of(answer) == "api.connections");
  CHECK(first.call("POST", "/echo", "c").status == 200);
}

TEST_CASE_METHOD(Fixture, "Requests beyond what may wait for a worker get 503") {
  start({.running_requests = 1, .queued_requests = 1});
  TestClient first(path), second(path), third(path);
  first.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  application.wait_for_waiting(1);
  second.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  third.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  pollfd both[] = {{second.fd(), POLLIN, 0}, {third.fd(), POLLIN, 0}};  // one is in the queue, the other refused
  REQUIRE(::poll(both, 2, 10'000) == 1);
  TestClient& refused = both[0].revents != 0 ? second : third;
  TestClient& queued = both[0].revents != 0 ? third : second;
  const auto answer = refused.read_answer();
  CHECK(answer.status == 503);
  CHECK(reason_of(answer) == "host.queue-full");
  application.open_gate();
  CHECK(first.read_answer().body == "waited");
  CHECK(queued.read_answer().body == "waited");
}

TEST_CASE_METHOD(Fixture, "A streamed body may be larger than the limit of others, and may be refused midway") {
  start({.body_bytes = 1'000});
  TestClient client(path);
  CHECK(client.call("POST", "/stream", std::string(3 << 20, 'a')).body == std::to_string(3 << 20));
  CHECK(client.call("POST", "/stream", "poison").status == 400);
  TestClient refused(path);
  CHECK(refused.call("POST", "/stream", std::string(100'000, 'a'), "X-Refuse: yes\r\n").status == 403);
}

TEST_CASE_METHOD(Fixture, "A client that waits for 100 Continue gets it") {
  TestClient client(path);
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  CHECK(client.read_answer().body == "ok");
}

TEST_CASE_METHOD(Fixture, "A file comes whole") {
  application.file_path = folder.path + "/file";
  std::string content(700'000, 'f');
  content.back() = 'z';
  REQUIRE(write_file(application.file_path, content, 0600).ok());
  TestClient client(path);
  CHECK((client.call("GET", "/file").body == content));
  CHECK(client.call("POST", "/echo", "next").body == "next");
}

TEST_CASE_METHOD(Fixture, "A feed comes as lines, and its end is told") {
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

TEST_CASE_METHOD(Fixture, "A feed comes as server-sent events with their ids") {
  TestClient client(path);
  application.tap->put(R"({"n":1})");
  client.send("GET /feed-sse HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_until("data: {\"n\":1}\n\n").find("id: 1\ndata: {\"n\":1}\n\n") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "A feed ends when its client goes away") {
  {
    TestClient client(path);
    client.send("GET /feed HTTP/1.1\r\nHost: a\r\n\r\n");
    client.read_until("\r\n\r\n");
  }
  std::unique_lock lock(application.tap->mutex);
  CHECK(application.tap->changed.wait_for(lock, std::chrono::seconds(10), [&] { return application.tap->gone; }));
}

TEST_CASE_METHOD(Fixture, "Feeds beyond the limit get 503") {
  start({.feeds = 1});
  TestClient first(path), second(path);
  first.send("GET /feed HTTP/1.1\r\nHost: a\r\n\r\n");
  first.read_until("\r\n\r\n");
  const auto answer = second.call("GET", "/feed");
  CHECK(answer.status == 503);
  CHECK(reason_of(answer) == "api.watchers");
}

TEST_CASE_METHOD(Fixture, "Stopping lets a request finish, ends idle connections and feeds, and takes no new ones") {
  TestClient idle(path), busy(path), feed(path);
  CHECK(idle.call("POST", "/echo", "a").status == 200);
  feed.send("GET /feed HTTP/1.1\r\nHost: a\r\n\r\n");
  feed.read_until("\r\n\r\n");
  busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  application.wait_for_waiting(1);
  auto stopped = std::async(std::launch::async, [&] { server->stop(10'000); });
  CHECK(idle.is_closed());
  CHECK_THAT(feed.read_until("0\r\n\r\n"), Catch::Contains("api.draining"));
  application.open_gate();
  const auto answer = busy.read_answer();
  CHECK(answer.body == "waited");
  CHECK(answer.header("Connection") == "close");
  CHECK(busy.is_closed());
  stopped.get();
  CHECK(server->connections() == 0);
}

TEST_CASE_METHOD(Fixture, "Stopping does not wait for a request beyond its deadline") {
  TestClient busy(path);
  busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  application.wait_for_waiting(1);
  auto stopped = std::async(std::launch::async, [&] { server->stop(20); });
  CHECK(busy.is_closed());
  application.open_gate();
  stopped.get();
}

TEST_CASE("A second server on the same socket is refused, one after a dead one is not") {
  TestFolder folder;
  WorkerPool pool{{}};
  TestApplication application;
  Server::Options options;
  options.unix_socket = folder.path + "/s";
  auto first = Server::create(options, application, pool);
  REQUIRE(first.ok());
  CHECK(Server::create(options, application, pool).error().reason == "api.listen");
  const Fd left(::socket(AF_UNIX, SOCK_STREAM, 0));
  *first = nullptr;
  CHECK(Server::create(options, application, pool).ok());
}

TEST_CASE("An address that is none is refused with its text") {
  WorkerPool pool{{}};
  TestApplication application;
  TestFolder folder;
  Server::Options options;
  options.tls = auth::ensure_certificates({folder.path}).value();
  for (const char* address : {"localhost:1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "[::1:1"}) {
    options.listen = {address};
    const auto made = Server::create(options, application, pool);
    CHECK(made.error().reason == "api.listen");
    CHECK(made.error().message.find(address) != std::string::npos);
  }
}

// ---- TLS

namespace {

struct TlsFixture {
  TlsFixture() {
    Server::Options options;
    options.listen = {"127.0.0.1:0"};
    options.tls = files;
    server = Server::create(options, application, pool).value();
    server->start();
    const auto& address = server->addresses().at(0);
    port = static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  }

  /// One request over TLS; the error of the handshake, or "" and the answer.
  std::string get(asio::ssl::context& context, const char* host, std::string* answer) {
    asio::io_context io;
    asio::ssl::stream<asio::ip::tcp::socket> stream(io, context);
    stream.next_layer().connect({asio::ip::make_address("127.0.0.1"), port});
    stream.set_verify_callback(asio::ssl::host_name_verification(host));
    boost::system::error_code failure;
    stream.handshake(asio::ssl::stream_base::client, failure);
    if (failure) return failure.message();
    const std::string request = "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi";
    asio::write(stream, asio::buffer(request), failure);
    char bytes[4'096];
    while (!failure) answer->append(bytes, stream.read_some(asio::buffer(bytes), failure));
    return failure == asio::error::eof ? "" : failure.message();
  }

  TestFolder folder;
  auth::TlsFiles files = auth::ensure_certificates({folder.path + "/tls"}).value();
  WorkerPool pool{{}};
  TestApplication application;
  std::unique_ptr<Server> server;
  uint16_t port = 0;
};

}  // namespace

TEST_CASE_METHOD(TlsFixture, "TLS verifies against the CA, and ends with a proper goodbye") {
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.set_verify_mode(asio::ssl::verify_peer);
  context.load_verify_file(files.ca);
  std::string answer;
  CHECK(get(context, "localhost", &answer) == "");
  CHECK(answer.starts_with("HTTP/1.1 200"));
  CHECK(answer.ends_with("hi"));
  CHECK(answer.find("Strict-Transport-Security") != std::string::npos);
}

TEST_CASE_METHOD(TlsFixture, "TLS does not verify for another name or without the CA") {
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.set_verify_mode(asio::ssl::verify_peer);
  std::string answer;
  CHECK(get(context, "localhost", &answer) != "");
  context.load_verify_file(files.ca);
  CHECK(get(context, "other.example.org", &answer) != "");
}

TEST_CASE_METHOD(TlsFixture, "TLS before 1.2 is refused") {
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.set_verify_mode(asio::ssl::verify_none);
  SSL_CTX_set_security_level(context.native_handle(), 0);
  SSL_CTX_set_max_proto_version(context.native_handle(), TLS1_1_VERSION);
  std::string answer;
  CHECK(get(context, "localhost", &answer) != "");
  CHECK(answer.empty());
}

// ---- WebSocket

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

TEST_CASE_METHOD(Fixture, "A feed over WebSocket sends messages, then why it ended") {
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

TEST_CASE_METHOD(Fixture, "A WebSocket client that does not read is cut, and its feed ends") {
  start({.write_ms = 50});
  WebSocketClient client(path, "/feed");
  for (int i = 0; i < 64; ++i) application.tap->put(std::string(100'000, 'x'));
  std::unique_lock lock(application.tap->mutex);
  CHECK(application.tap->changed.wait_for(lock, std::chrono::seconds(10), [&] { return application.tap->gone; }));
}

TEST_CASE_METHOD(Fixture, "A bridge carries bytes both ways and a half-close to each side") {
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

TEST_CASE_METHOD(Fixture, "When the plugin says all first, the client is told and may still send") {
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

TEST_CASE_METHOD(Fixture, "A bridge holds back a client whose plugin does not read") {
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

TEST_CASE_METHOD(Fixture, "A message over the limit ends the WebSocket") {
  WebSocketClient client(path, "/bridge");
  client.write(std::string(65'537, 'x'), true);
  client.read();
  CHECK(client.ended);
  CHECK(read_fd(application.plugin_end.get(), 1) == "");
}

TEST_CASE_METHOD(Fixture, "Stopping ends bridges") {
  WebSocketClient client(path, "/bridge");
  auto stopped = std::async(std::launch::async, [&] { server->stop(10'000); });
  client.read();
  CHECK(client.ended);
  stopped.get();
}
