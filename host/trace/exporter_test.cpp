#include "host/trace/exporter.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

using namespace novacron::host::trace;

namespace {

/// What a collector would have got, and what it answers.
struct Collector {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> bodies;
  std::deque<Reply> replies;  ///< the next ones; then 200
  bool open = true;           ///< false: post() waits

  bool got(size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), [&] { return bodies.size() >= count; });
  }
};

class FakeTransport final : public Transport {
 public:
  explicit FakeTransport(Collector& collector) : collector_(collector) {}
  Reply post(const std::string& body) override {
    std::unique_lock lock(collector_.mutex);
    collector_.bodies.push_back(body);
    collector_.changed.notify_all();
    collector_.changed.wait(lock, [&] { return collector_.open; });
    if (collector_.replies.empty()) return {.status = 200};
    Reply reply = collector_.replies.front();
    collector_.replies.pop_front();
    return reply;
  }
  void hurry() override {
    const std::lock_guard lock(collector_.mutex);
    collector_.open = true;
    collector_.changed.notify_all();
  }

 private:
  Collector& collector_;
};

Span span(const std::string& name) {
  Span made;
  made.name = name;
  made.context.trace[0] = made.context.span[0] = 1;
  return made;
}

struct World {
  explicit World(Exporter::Options options = {})
      : exporter(fast(std::move(options)), std::make_unique<FakeTransport>(collector)) {}
  static Exporter::Options fast(Exporter::Options options) {
    options.delay_ms = 1;
    options.retry_unit = 1e-6;
    return options;
  }
  bool reached(uint64_t Exporter::Stats::*counter, uint64_t value) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (exporter.stats().*counter < value) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::yield();
    }
    return exporter.stats().*counter == value;
  }
  Collector collector;
  Exporter exporter;
};

}  // namespace

TEST_CASE("spans arrive, also those that are left when it stops") {
  World world;
  world.exporter.add(span("first"));
  REQUIRE(world.collector.got(1));
  world.exporter.add(span("last"));
  world.exporter.stop();
  std::string all;
  for (const auto& body : world.collector.bodies) all += body;
  CHECK(all.find("first") != std::string::npos);
  CHECK(all.find("last") != std::string::npos);
  CHECK(world.exporter.stats().sent == 2);
  world.exporter.add(span("late"));
  CHECK(world.exporter.stats().dropped_full == 1);
}

TEST_CASE("a busy collector gets the same batch again, a refusing one does not") {
  World world;
  world.collector.replies = {{.status = 503}, {.status = 0}, {.status = 429, .retry_after_ns = 1'000}, {.status = 200}};
  world.exporter.add(span("again"));
  REQUIRE(world.reached(&Exporter::Stats::sent, 1));
  CHECK(world.exporter.stats().requests_failed == 3);
  CHECK(std::count(world.collector.bodies.begin(), world.collector.bodies.end(), world.collector.bodies[0]) == 4);
  world.collector.replies = {{.status = 400}};
  world.exporter.add(span("bad"));
  CHECK(world.reached(&Exporter::Stats::dropped_unsent, 1));
  CHECK(world.collector.bodies.size() == 5);
}

TEST_CASE("a batch is given up after its attempts") {
  Exporter::Options options;
  options.max_attempts = 3;
  World world(options);
  world.collector.replies = {{.status = 503}, {.status = 503}, {.status = 503}};
  world.exporter.add(span("x"));
  CHECK(world.reached(&Exporter::Stats::dropped_unsent, 1));
  CHECK(world.collector.bodies.size() == 3);
}

TEST_CASE("what the collector rejects is counted") {
  World world;
  world.collector.replies = {
      {.status = 200, .body = R"({"partialSuccess":{"rejectedSpans":"1","errorMessage":"no"}})"}};
  world.exporter.add(span("x"));
  CHECK(world.reached(&Exporter::Stats::dropped_rejected, 1));
  CHECK(world.exporter.stats().sent == 0);
}

TEST_CASE("a full queue drops and counts, and a request carries a batch at most") {
  Exporter::Options options;
  options.max_queued = 3;
  options.max_batch = 2;
  World world(options);
  {
    const std::lock_guard lock(world.collector.mutex);
    world.collector.open = false;
  }
  world.exporter.add(span("stuck"));
  REQUIRE(world.collector.got(1));
  for (int i = 0; i < 5; ++i) world.exporter.add(span("more"));
  CHECK(world.exporter.stats().dropped_full == 2);
  CHECK(world.exporter.stats().queued == 3);
  world.exporter.stop();
  CHECK(world.exporter.stats().sent == 4);
  CHECK(world.collector.bodies.size() == 3);
}

TEST_CASE("delays double up to half a minute, are spread, and yield to what the collector says") {
  CHECK(retry_delay_ns(1, {}, 0) == 1'000'000'000);
  CHECK(retry_delay_ns(2, {}, 0) == 2'000'000'000);
  CHECK(retry_delay_ns(3, {}, 1) == 2'000'000'000);
  CHECK(retry_delay_ns(40, {}, 0) == 30'000'000'000);
  CHECK(retry_delay_ns(1, {.retry_after_ns = 7'000'000'000}, 1) == 7'000'000'000);
  CHECK(retry_delay_ns(1, {.retry_after_ns = UINT64_MAX}, 1) == 300'000'000'000);
  for (const unsigned status : {0u, 429u, 502u, 503u, 504u}) CHECK(is_retryable({.status = status}));
  for (const unsigned status : {301u, 400u, 401u, 404u, 500u, 501u}) CHECK_FALSE(is_retryable({.status = status}));
}
