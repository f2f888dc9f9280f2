#include "host/base/timer_queue.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <vector>

using namespace novacron::host;

TEST_CASE("timers run in order of their time, equal ones in order of arrival") {
  TimerQueue timers(system_clock());
  const uint64_t soon = system_clock().monotonic_ns() + 5'000'000;
  std::vector<int> order;
  std::promise<void> done;
  timers.at(soon + 2, [&] {
    order.push_back(4);
    done.set_value();
  });
  timers.at(soon, [&] { order.push_back(2); });
  timers.at(soon + 1, [&] { order.push_back(3); });
  timers.at(soon - 1, [&] { order.push_back(1); });
  done.get_future().wait();
  CHECK(order == std::vector{1, 2, 3, 4});
}

TEST_CASE("a timer that is cancelled in time never runs") {
  std::atomic<bool> ran = false;
  std::promise<void> done;
  TimerQueue timers(system_clock());
  const uint64_t soon = system_clock().monotonic_ns() + 5'000'000;
  const TimerQueue::Id id = timers.at(soon, [&] { ran = true; });
  timers.at(soon + 1, [&] { done.set_value(); });
  CHECK(timers.cancel(id));
  CHECK_FALSE(timers.cancel(id));
  CHECK_FALSE(timers.cancel(0));
  done.get_future().wait();
  CHECK_FALSE(ran);
}

TEST_CASE("a timer may start another, and what is not due is dropped at the end") {
  auto kept = std::make_shared<int>(1);
  {
    std::promise<void> done;
    TimerQueue timers(system_clock());
    timers.at(0, [&] { timers.at(0, [&] { done.set_value(); }); });
    timers.at(UINT64_MAX, [kept] {});
    done.get_future().wait();
    CHECK(kept.use_count() == 2);
  }
  CHECK(kept.use_count() == 1);
}
