// Events of 100 bytes as they leave the host: published in this process, in batches, and read as lines of JSON from
// GET /v1/events over a Unix socket, by a number of subscribers with a connection each. An event cannot wait for a slow
// subscriber, so the publisher stays at most kAhead events before the slowest one.
//
// FEED_BENCH_SUBSCRIBERS, FEED_BENCH_EVENTS   →   {"delivered": 1} in millions a second, all told
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "host/api/testing/api_world.h"

namespace {

using namespace novacron::host;
using Time = std::chrono::steady_clock;
constexpr uint64_t kAhead = 4'000;  // each client has room for 4,096
constexpr uint64_t kAtOnce = 128;
constexpr auto kNap = std::chrono::microseconds(20);
constexpr size_t kReadBytes = 256 * 1'024;

uint64_t setting(const char* name, uint64_t otherwise) {
  const char* const value = std::getenv(name);
  return value ? std::strtoull(value, nullptr, 10) : otherwise;
}

/// Counts lines of JSON: what ends with "}\n", which the framing of chunks does not.
class Subscriber {
 public:
  explicit Subscriber(const std::string& path) : file_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    REQUIRE(::connect(file_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    const std::string request = "GET /v1/events?subject=bench HTTP/1.1\r\nHost: bench\r\n\r\n";
    REQUIRE(::send(file_, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()));
    read_head();
  }
  ~Subscriber() {
    if (thread_.joinable()) thread_.join();
    ::close(file_);
  }
  void start(uint64_t until) {
    thread_ = std::thread([this, until] { read_until(until); });
  }
  uint64_t seen() const { return seen_.load(std::memory_order_relaxed); }
  bool failed() const { return failed_; }

 private:
  /// Once the head of the answer is there, it gets every event.
  void read_head() {
    std::string head;
    for (char next = 0; !head.ends_with("\r\n\r\n"); head += next) REQUIRE(::recv(file_, &next, 1, 0) == 1);
  }

  void read_until(uint64_t until) {
    std::vector<char> buffer(kReadBytes);
    char before = 0;
    while (seen() < until) {
      const ssize_t count = ::recv(file_, buffer.data(), buffer.size(), 0);
      if (count <= 0) break;
      const char* const end = buffer.data() + count;
      uint64_t lines = 0;
      for (const char* at = buffer.data();
           (at = static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(end - at)))) != nullptr; ++at) {
        lines += (at == buffer.data() ? before : at[-1]) == '}' ? 1 : 0;
      }
      before = end[-1];
      seen_.fetch_add(lines, std::memory_order_relaxed);
    }
    failed_ = seen() < until;
  }

  const int file_;
  std::atomic<uint64_t> seen_ = 0;
  std::atomic<bool> failed_ = false;
  std::thread thread_;
};

uint64_t slowest(const std::deque<Subscriber>& subscribers) {
  uint64_t least = UINT64_MAX;
  for (const auto& subscriber : subscribers) {
    if (subscriber.failed()) std::abort();
    least = std::min(least, subscriber.seen());
  }
  return least;
}

void publish(bus::Bus& bus, const std::deque<Subscriber>& subscribers, uint64_t total) {
  const auto body = std::make_shared<const std::string>('"' + std::string(98, 'x') + '"');
  for (uint64_t sent = 0; sent < total;) {
    while (sent + kAtOnce > slowest(subscribers) + kAhead) std::this_thread::sleep_for(kNap);
    std::vector<bus::Event> events(std::min(kAtOnce, total - sent));
    for (auto& event : events) {
      event.subject = "bench";
      event.body = body;
    }
    sent += events.size();
    if (!bus.publish(std::move(events)).ok()) std::abort();
  }
}

}  // namespace

TEST_CASE("how fast events leave the host") {
  const uint64_t count = setting("FEED_BENCH_SUBSCRIBERS", 1);
  const uint64_t total = setting("FEED_BENCH_EVENTS", 200'000);
  api::ApiWorld world;
  std::deque<Subscriber> subscribers;
  for (uint64_t i = 0; i < count; ++i) subscribers.emplace_back(world.path);
  for (auto& subscriber : subscribers) subscriber.start(total);
  const auto begun = Time::now();
  publish(world.bus, subscribers, total);
  while (slowest(subscribers) < total) std::this_thread::sleep_for(kNap);
  const double seconds = std::chrono::duration<double>(Time::now() - begun).count();
  std::printf("{\"delivered\": %.4f}\n", static_cast<double>(total * count) / seconds / 1e6);
  CHECK(seconds > 0);
}
