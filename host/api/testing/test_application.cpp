#include "host/api/testing/test_application.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace novacron::host::api {

Response TestApplication::handle(const Request& request) {
  if (request.target == "/echo") return json_response(200, request.body);
  if (request.target == "/peer") return json_response(200, std::to_string(request.peer.uid.value_or(12345)));
  if (request.target == "/trace") return json_response(200, request.trace_parent);
  if (request.target == "/big") return json_response(200, std::string(8 << 20, 'x'));
  if (request.target == "/wait") return wait();
  if (request.target == "/file") return file();
  if (request.target.starts_with("/feed")) return feed_response(request);
  if (request.target == "/bridge") return bridge_response();
  if (request.target == "/generated") return generated("first,", std::nullopt);
  if (request.target == "/generated-sized") return generated("first,", 10);
  if (request.target == "/messages") return messages();
  if (request.target.starts_with("/pipe")) return json_response(200, "whole:" + std::to_string(request.body.size()));
  return json_response(404, "{}");
}

void TestApplication::wait_for_waiting(size_t count) {
  std::unique_lock lock(mutex);
  REQUIRE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return waiting >= count; }));
}

Response TestApplication::wait() {
  std::unique_lock lock(mutex);
  ++waiting;
  changed.notify_all();
  changed.wait(lock, [&] { return gate_open; });
  return json_response(200, "waited");
}

Response TestApplication::file() const {
  Response response;
  const auto size = std::filesystem::file_size(file_path);
  response.body = FileBody{Fd(::open(file_path.c_str(), O_RDONLY | O_CLOEXEC)), size};
  return response;
}

Response TestApplication::feed_response(const Request& request) const {
  Response response;
  FeedBody body{std::make_unique<TestFeed>(tap), FeedBody::Format::kLines};
  if (request.is_websocket) body.format = FeedBody::Format::kWebSocket;
  if (request.target == "/feed-sse") body.format = FeedBody::Format::kServerSentEvents;
  response.body = std::move(body);
  return response;
}

/// What the test writes to plugin_end is the rest of the body.
Response TestApplication::generated(std::string first, std::optional<uint64_t> size_bytes) {
  Response response = bridge_response();
  response.body = StreamBody{std::get<BridgeBody>(std::move(response.body)).socket, std::move(first), size_bytes};
  return response;
}

Response TestApplication::messages() {
  Response response = bridge_response();
  response.body = MessagesBody{std::get<BridgeBody>(std::move(response.body)).socket, "chat"};
  return response;
}

namespace {

/// Reads all, unless it is to answer early.
class TestPipe final : public BodyPipe {
 public:
  TestPipe(Fd ours, Fd theirs, std::string target)
      : ours_(std::move(ours)), theirs_(std::move(theirs)), target_(std::move(target)) {}
  Fd take_socket() override { return std::move(ours_); }
  Response wait() override {
    size_t size = 0;
    if (target_ != "/pipe-early") {
      std::array<char, 4096> piece{};
      for (ssize_t got = 0; (got = ::read(theirs_.get(), piece.data(), piece.size())) > 0;)
        size += static_cast<size_t>(got);
    }
    theirs_ = Fd();
    return json_response(200, (cancelled_ ? "cancelled:" : "piped:") + std::to_string(size));
  }
  void cancel() override { cancelled_ = true; }

 private:
  Fd ours_;
  Fd theirs_;
  const std::string target_;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace

std::variant<Response, std::shared_ptr<BodyPipe>> TestApplication::pipe(const Request& head) {
  if (head.headers.get("X-Refuse") == "yes") return json_response(403, "no");
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return json_response(500, "{}");
  return std::shared_ptr<BodyPipe>(std::make_shared<TestPipe>(Fd(ends[0]), Fd(ends[1]), head.target));
}

Response TestApplication::bridge_response() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return json_response(500, "{}");
  std::lock_guard lock(mutex);
  plugin_end = Fd(ends[0]);
  changed.notify_all();
  Response response;
  response.body = BridgeBody{Fd(ends[1])};
  return response;
}

void ServerFixture::start(const Limits& limits) {
  server.reset();
  Server::Options options;
  options.unix_socket = path;
  options.limits = limits;
  auto made = Server::create(options, application, pool);
  REQUIRE(made.ok());
  server = *std::move(made);
  server->start();
}

std::string reason_of(const Answer& answer) {
  const auto json = nlohmann::json::parse(answer.body, nullptr, false);
  return json.is_object() ? json.value("reason", "") : "";
}

}  // namespace novacron::host::api
