#include "host/api/server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <future>
#include <thread>

#include "host/api/testing/test_application.h"
#include "host/base/file.h"

using namespace novacron::host;
using namespace novacron::host::api;

TEST_CASE_METHOD(ServerFixture, "Requests on one connection are answered one after another") {
  TestClient client(path);
  CHECK(client.call("POST", "/echo", "first").body == "first");
  const auto second = client.call("POST", "/echo", "second");
  CHECK(second.status == 200);
  CHECK(second.body == "second");
  CHECK(second.header("X-Content-Type-Options") == "nosniff");
  CHECK(second.header("Cache-Control") == "no-store");
  CHECK(second.header("X-Request-Id").size() == 16);
}

TEST_CASE_METHOD(ServerFixture, "Pipelined requests are answered in order") {
  TestClient client(path);
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1"
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n2");
  CHECK(client.read_answer().body == "1");
  CHECK(client.read_answer().body == "2");
}

TEST_CASE_METHOD(ServerFixture, "The answer to HEAD has the length and no body") {
  TestClient client(path);
  const auto answer = client.call("HEAD", "/big");
  CHECK(answer.header("Content-Length") == std::to_string(8 << 20));
  CHECK(client.call("POST", "/echo", "next").body == "next");
}

TEST_CASE_METHOD(ServerFixture, "The client's request id and trace are taken over, or replaced when malformed") {
  TestClient client(path);
  const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const auto answer = client.call("GET", "/trace", "", "X-Request-Id: mine-1\r\ntraceparent: " + trace + "\r\n");
  CHECK(answer.header("X-Request-Id") == "mine-1");
  CHECK(answer.body == trace);
  const auto other = client.call("GET", "/trace", "", "X-Request-Id: a b\r\ntraceparent: 00-zz\r\n");
  CHECK(other.header("X-Request-Id").size() == 16);
  CHECK(other.body.size() == 55);
  CHECK(other.body.ends_with("-00"));
}

TEST_CASE_METHOD(ServerFixture, "The local socket has mode 0660 and tells who is there") {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0660);
  TestClient client(path);
  CHECK(client.call("GET", "/peer").body == std::to_string(::geteuid()));
}

TEST_CASE_METHOD(ServerFixture, "A body over the limit is refused by its announced length and by its chunks") {
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

TEST_CASE_METHOD(ServerFixture, "Headers over the limit are refused") {
  start({.header_bytes = 1'024});
  TestClient client(path);
  const auto answer = client.call("GET", "/echo", "", "X-Long: " + std::string(2'000, 'a') + "\r\n");
  CHECK(answer.status == 431);
  CHECK(reason_of(answer) == "http.headers-too-large");
}

TEST_CASE_METHOD(ServerFixture, "What is not HTTP is refused") {
  TestClient client(path);
  client.send("nonsense\r\n\r\n");
  const auto answer = client.read_answer();
  CHECK(answer.status == 400);
  CHECK(reason_of(answer) == "http.malformed");
}

TEST_CASE_METHOD(ServerFixture, "A client that sends its headers or its body too slowly is told so and closed") {
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

TEST_CASE_METHOD(ServerFixture, "An idle connection is closed") {
  start({.idle_ms = 50});
  TestClient client(path);
  CHECK(client.is_closed());
}

TEST_CASE_METHOD(ServerFixture, "A client that does not read its answer is cut") {
  start({.write_ms = 50});
  TestClient client(path);
  client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  TestClient other(path);
  CHECK(other.call("POST", "/echo", "others are served").status == 200);
  while (server->connections() > 1) std::this_thread::yield();
  std::string all = client.read_until("no such text");
  CHECK(all.size() < (8 << 20));
}

TEST_CASE_METHOD(ServerFixture, "Connections beyond the limit get 503 and a time to come back") {
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

TEST_CASE_METHOD(ServerFixture, "The limit of connections changes while it serves, and those that are there stay") {
  start({.connections = 1});
  TestClient first(path);
  CHECK(first.call("POST", "/echo", "a").status == 200);
  server->set_max_connections(2);
  TestClient second(path);
  CHECK(second.call("POST", "/echo", "b").status == 200);
  server->set_max_connections(1);
  TestClient third(path);
  CHECK(third.call("POST", "/echo", "c").status == 503);
  CHECK(first.call("POST", "/echo", "d").status == 200);
  CHECK(second.call("POST", "/echo", "e").status == 200);
}

TEST_CASE("A socket that somebody else listens on is served, and its path outlives the server") {
  TestFolder folder;
  WorkerPool pool{{}};
  TestApplication application;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder.path + "/theirs";
  path.copy(address.sun_path, path.size());
  std::vector<Fd> inherited;
  inherited.emplace_back(::socket(AF_UNIX, SOCK_STREAM, 0));
  REQUIRE(::bind(inherited[0].get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(inherited[0].get(), 8) == 0);
  Server::Options options;
  options.unix_socket = folder.path + "/ours";
  auto server = Server::create(options, application, pool, std::move(inherited));
  REQUIRE(server.ok());
  (*server)->start();
  CHECK((*server)->unix_socket() == path);
  CHECK(TestClient(path).call("POST", "/echo", "a").body == "a");
  CHECK_FALSE(std::filesystem::exists(options.unix_socket));
  *server = nullptr;
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("An inherited descriptor that is no listening stream socket is refused") {
  WorkerPool pool{{}};
  TestApplication application;
  const auto reason = [&](int fd) {
    std::vector<Fd> inherited;
    inherited.emplace_back(fd);
    return Server::create({}, application, pool, std::move(inherited)).error().reason;
  };
  CHECK(reason(::socket(AF_UNIX, SOCK_DGRAM, 0)) == "api.listen");
  CHECK(reason(::socket(AF_INET, SOCK_STREAM, 0)) == "api.listen");
  CHECK(reason(::open("/dev/null", O_RDONLY)) == "api.listen");
}

TEST_CASE_METHOD(ServerFixture, "Connections far beyond the limit are closed without a word") {
  start({.connections = 1, .refusals = 1});
  TestClient first(path);
  CHECK(first.call("POST", "/echo", "a").status == 200);
  TestClient refused(path);
  TestClient beyond(path);
  CHECK(beyond.read_until("anything") == "");
  CHECK(refused.call("GET", "/echo").status == 503);
  CHECK(server->stats().refused_connections == 2);
}

TEST_CASE_METHOD(ServerFixture, "Requests beyond what may wait for a worker get 503") {
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

TEST_CASE_METHOD(ServerFixture, "A streamed body may be larger than the limit of others, and may be refused midway") {
  start({.body_bytes = 1'000});
  TestClient client(path);
  CHECK(client.call("POST", "/stream", std::string(3 << 20, 'a')).body == std::to_string(3 << 20));
  CHECK(client.call("POST", "/stream", "poison").status == 400);
  TestClient refused(path);
  CHECK(refused.call("POST", "/stream", std::string(100'000, 'a'), "X-Refuse: yes\r\n").status == 403);
}

TEST_CASE_METHOD(ServerFixture, "A client that waits for 100 Continue gets it") {
  TestClient client(path);
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  CHECK(client.read_answer().body == "ok");
}

TEST_CASE_METHOD(ServerFixture, "A file comes whole") {
  application.file_path = folder.path + "/file";
  std::string content(700'000, 'f');
  content.back() = 'z';
  REQUIRE(write_file(application.file_path, content, 0600).ok());
  TestClient client(path);
  CHECK((client.call("GET", "/file").body == content));
  CHECK(client.call("POST", "/echo", "next").body == "next");
}

TEST_CASE_METHOD(ServerFixture,
                 "Stopping lets a request finish, ends idle connections and feeds, and takes no new ones") {
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

TEST_CASE_METHOD(ServerFixture, "Stopping does not wait for a request beyond its deadline") {
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
