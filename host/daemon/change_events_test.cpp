#include "host/daemon/change_events.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "host/bus/bus.h"
#include "host/resource/testing/world.h"

using namespace novacron::host;
using namespace novacron::host::daemon;

namespace {

/// Collects the subjects and revisions that the bus delivers.
struct Fixture {
  Fixture() {
    bus::Callbacks callbacks;
    callbacks.on_events = [this](const bus::Batch& batch) {
      std::lock_guard lock(mutex);
      events.insert(events.end(), batch.events.begin(), batch.events.end());
      changed.notify_all();
    };
    callbacks.on_end = [](const Error&) {};
    bus::Interest interest;
    interest.pattern = "resource.>";
    bus.subscribe(interest, callbacks);
  }
  bus::EventPtr event(size_t index) {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return events.size() > index; }));
    return events[index];
  }

  resource::testing::World world;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<bus::EventPtr> events;
  bus::Bus bus{system_clock()};
  std::unique_ptr<ChangeEvents> following = std::make_unique<ChangeEvents>(world.engine(), bus);
};

}  // namespace

TEST_CASE_METHOD(Fixture, "Every change of an object is told once, with its revision") {
  const auto made = world.make_robot("r1").value();
  CHECK(event(0)->subject == "resource.robot.put");
  CHECK(event(0)->tenant == "default");
  CHECK(event(0)->revision == made.object.revision);
  CHECK(*event(0)->body == R"({"kind":"shop/Robot","tenant":"default","name":"r1"})");
  const auto status = world.set_status("r1", R"({"phase":"ACTIVE"})").value();
  CHECK(event(1)->subject == "resource.robot.put");
  CHECK(event(1)->revision == status.object.revision);
  REQUIRE(world.store().remove(world.alice, resource::testing::robot_ref("r1")).ok());
  CHECK(event(2)->subject == "resource.robot.deleted");  // spec and status go in one revision
  REQUIRE(world.make_station("s1").ok());
  CHECK(event(3)->subject == "resource.station.put");
  CHECK(event(3)->tenant.empty());
}

TEST_CASE_METHOD(Fixture, "Nothing is told any more once it has ended") {
  REQUIRE(world.make_robot("r1").ok());
  event(0);
  following.reset();
  REQUIRE(world.make_robot("r2").ok());
  REQUIRE(bus.publish({.subject = "resource.test.last"}).ok());
  CHECK(event(1)->subject == "resource.test.last");
}

TEST_CASE_METHOD(Fixture, "A new run tells again what happened, with the same revisions, parts and times") {
  REQUIRE(world.make_robot("r1").ok());
  world.clock.advance_ns(1'000'000'000);
  REQUIRE(world.patch_robot("r1", R"({"spec":{"arms":3}})").ok());
  const auto first = event(0);
  const auto second = event(1);
  CHECK(second->time_ns == first->time_ns + 1'000'000'000);
  following.reset();
  REQUIRE(world.make_station("while-nobody-followed").ok());

  bus::Bus next{system_clock()};
  const ChangeEvents again(world.engine(), next);
  const auto told = next.retained({.pattern = "resource.>", .after = bus::Cursor{1, first->state}}).value();
  REQUIRE(told.size() == 2);
  CHECK(told[0]->revision == second->revision);
  CHECK(told[0]->part == second->part);
  CHECK(told[0]->time_ns == second->time_ns);
  CHECK(told[0]->derived);
  CHECK(told[1]->subject == "resource.station.put");
}
