#include "host/plugin/crew.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>

using namespace novacron::host;
using namespace novacron::host::plugin;

namespace {

struct Yard {
  explicit Yard(Crew::Options options = {.name = "test"}, size_t max_threads = 8)
      : pool({.max_threads = max_threads, .idle_ms = 100}),
        crew(std::make_shared<Crew>(pool, timers, system_clock(), std::move(options))) {}
  ~Yard() { crew->close(); }
  WorkerPool pool;
  TimerQueue timers{system_clock()};
  std::shared_ptr<Crew> crew;
};

}  // namespace

TEST_CASE("work that needs the slot runs one at a time, callbacks before calls") {
  Yard yard;
  std::vector<std::string> order;
  std::promise<void> done;
  REQUIRE(yard.crew->try_take_slot());
  REQUIRE(yard.crew->post_call(Crew::Need::kSlot, [&] { order.push_back("call"); }).ok());
  REQUIRE(yard.crew->post_call(Crew::Need::kSlot, [&] { done.set_value(); }).ok());
  REQUIRE(yard.crew->post_callback([&] { order.push_back("callback"); }));
  CHECK_FALSE(yard.crew->try_take_slot());
  yard.crew->give_slot();
  done.get_future().wait();
  CHECK(order == std::vector<std::string>{"callback", "call"});
}

TEST_CASE("work that needs no slot runs beside it") {
  Yard yard;
  REQUIRE(yard.crew->try_take_slot());
  std::promise<void> done;
  REQUIRE(yard.crew->post_call(Crew::Need::kNothing, [&] { done.set_value(); }).ok());
  done.get_future().wait();
  yard.crew->give_slot();
}

TEST_CASE("control gets the slot before what is queued, or not by its time") {
  Yard yard;
  REQUIRE(yard.crew->try_take_slot());
  CHECK_FALSE(yard.crew->take_slot(system_clock().monotonic_ns() + 1'000'000));
  std::atomic<bool> ran = false;
  std::promise<void> done;
  auto control = std::async(std::launch::async, [&] { return yard.crew->take_slot(UINT64_MAX / 2); });
  REQUIRE(yard.crew
              ->post_call(Crew::Need::kSlot,
                          [&] {
                            ran = true;
                            done.set_value();
                          })
              .ok());
  yard.crew->give_slot();
  CHECK(control.get());
  yard.crew->give_slot();
  done.get_future().wait();
  CHECK(ran);
}

TEST_CASE("work waits when the pool has no thread, and is not lost") {
  Yard yard({.name = "test"}, 1);
  std::promise<void> release;
  std::promise<void> done;
  REQUIRE(yard.pool.run([&] { release.get_future().wait(); }).ok());
  REQUIRE(yard.crew->post_callback([&] { done.set_value(); }));
  release.set_value();
  done.get_future().wait();
}

TEST_CASE("a closed crew takes nothing and gives its callbacks back") {
  Yard yard;
  REQUIRE(yard.crew->try_take_slot());
  int owed = 0;
  REQUIRE(yard.crew->post_callback([&] { ++owed; }));
  for (auto& callback : yard.crew->close()) callback();
  CHECK(owed == 1);
  CHECK_FALSE(yard.crew->post_callback([] {}));
  CHECK(yard.crew->post_call(Crew::Need::kSlot, [] {}).error().reason == "plugin.stopping");
}
