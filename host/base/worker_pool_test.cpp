#include "host/base/worker_pool.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <vector>

using namespace novacron::host;

TEST_CASE("a lane refuses work beyond its queue and says which lane") {
  std::promise<void> entered;
  std::promise<void> release;
  WorkerPool pool({.max_threads = 4});  // the last, so that its threads end before what they use
  Lane lane(pool, {.name = "narrow", .max_running = 1, .max_queued = 2});
  REQUIRE(lane.post([&] {
                entered.set_value();
                release.get_future().wait();
              })
              .ok());
  entered.get_future().wait();
  REQUIRE(lane.post([] {}).ok());
  REQUIRE(lane.post([] {}).ok());
  const Status refused = lane.post([] {});
  REQUIRE(refused.code() == Code::kResourceExhausted);
  CHECK(refused.error().reason == "host.queue-full");
  CHECK(refused.error().message.find("narrow") != std::string::npos);
  release.set_value();
}

TEST_CASE("a lane of one runs its work in order") {
  std::vector<int> order;
  std::promise<void> done;
  WorkerPool pool({.max_threads = 4});
  {
    Lane lane(pool, {.name = "ordered"});
    for (int i = 0; i < 100; ++i) {
      REQUIRE(lane.post([&, i] {
                    order.push_back(i);
                    if (i == 99) done.set_value();
                  })
                  .ok());
    }
    done.get_future().wait();
  }
  for (int i = 0; i < 100; ++i) CHECK(order[static_cast<size_t>(i)] == i);
}

TEST_CASE("a lane never runs more at once than it may") {
  WorkerPool pool({.max_threads = 16});
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::atomic<int> left{200};
  std::promise<void> done;
  Lane lane(pool, {.name = "three", .max_running = 3});
  for (int i = 0; i < 200; ++i) {
    REQUIRE(lane.post([&] {
                  const int now = ++running;
                  int seen = most.load();
                  while (now > seen && !most.compare_exchange_weak(seen, now)) {
                  }
                  --running;
                  if (--left == 0) done.set_value();
                })
                .ok());
  }
  done.get_future().wait();
  CHECK(most.load() <= 3);
}

TEST_CASE("a pool refuses work when every thread is busy") {
  std::promise<void> entered;
  std::promise<void> release;
  WorkerPool pool({.max_threads = 1});
  REQUIRE(pool.run([&] {
                entered.set_value();
                release.get_future().wait();
              })
              .ok());
  entered.get_future().wait();
  CHECK(pool.run([] {}).error().reason == "host.threads");
  release.set_value();
}
