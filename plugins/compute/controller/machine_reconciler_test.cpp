#include "machine_reconciler.h"

#include <catch2/catch.hpp>
#include <set>

#include "fake_world.h"

using namespace novacron;
using namespace novacron::compute;
using namespace novacron::compute::controller;
using Phase = v1::VirtualMachineStatus_Phase;
using GuestState = v1::GuestStatus_State;

namespace {

constexpr int kMostRuns = 20;  // of the reconciler, until a machine must have settled

FakeWorld world_with(v1::PowerState power) {
  FakeWorld world;
  world.stored.metadata.tenant = "default";
  world.stored.metadata.name = "web1";
  world.stored.metadata.uid = "0b5a7d3e-6f0e-4c55-9a53-6a1c5d0f1e11";
  world.stored.metadata.generation = 1;
  world.stored.spec.power = power;
  world.stored.spec.driver = "kvm";
  world.stored.spec.cpus = 1;
  world.stored.spec.memory_bytes = 1 << 29;
  return world;
}

void want(FakeWorld& world, v1::PowerState power) {
  world.stored.spec.power = power;
  ++world.stored.metadata.generation;
}

void want_gone(FakeWorld& world) {
  world.stored.metadata.deleted_at = Timestamp{};
  ++world.stored.metadata.generation;
}

/// As the plugin does: again and again, until nothing is left to do. True: it settled.
bool run(FakeWorld& world) {
  for (int i = 0; i < kMostRuns; ++i) {
    if (!world.exists) return true;
    const size_t steps_before = world.steps.size();
    MachineReconciler reconciler(world, world);
    const auto done = reconciler.reconcile(world.read());
    const bool only_looked = world.steps.size() - steps_before <= 1;
    if (done.ok() && only_looked) return true;
  }
  return false;
}

/// Runs until settled, with the process ended at one point and started again.
void run_with_kill(FakeWorld& world, size_t kill_at) {
  world.steps.clear();
  world.kill_at = kill_at;
  bool settled = false;
  try {
    settled = run(world);
  } catch (const FakeWorld::Killed&) {
    world.kill_at.reset();
    settled = run(world);
  }
  world.kill_at.reset();
  REQUIRE(settled);
}

/// The points at which a run from `world` to its settled state can be ended.
size_t kill_points(FakeWorld world) {
  world.steps.clear();
  REQUIRE(run(world));
  return 2 * world.steps.size();
}

}  // namespace

TEST_CASE("a new machine is protected, placed, claimed and started, in this order") {
  FakeWorld world = world_with(v1::PowerState::kRunning);
  REQUIRE(run(world));
  const std::vector<std::string> order = {"add-finalizer", "schedule",    "bind",         "publish", "read-guest",
                                          "acquire-claim", "start-guest", "write-status", "publish"};
  CHECK(std::vector<std::string>(world.steps.begin(), world.steps.begin() + 9) == order);
  CHECK(world.stored.status.phase == Phase::kRunning);
  CHECK(world.stored.status.observed_generation == 1);
  CHECK(world.events == std::vector<std::string>{"vm.placed", "vm.running"});
}

TEST_CASE("a machine that should be stopped is not placed at all") {
  FakeWorld world = world_with(v1::PowerState::kStopped);
  REQUIRE(run(world));
  CHECK(world.stored.status.phase == Phase::kStopped);
  CHECK(world.stored.status.node.empty());
  CHECK(world.guests.empty());
}

TEST_CASE("a machine without room waits, and its status says which node lacks what") {
  FakeWorld world = world_with(v1::PowerState::kRunning);
  world.room = false;
  MachineReconciler reconciler(world, world);
  const auto done = reconciler.reconcile(world.read());
  REQUIRE(done.ok());
  CHECK(*done == kRetryPendingNs);
  CHECK(world.stored.status.phase == Phase::kPending);
  CHECK(world.stored.status.reason == "compute.no-capacity");
  CHECK(world.stored.status.message == "no node has room: a is full; b is full");
}

TEST_CASE("a start that fails is told in the engine's words and tried again") {
  FakeWorld world = world_with(v1::PowerState::kRunning);
  world.start_error =
      Error{.code = Code::kInternal, .message = "qemu: cannot allocate", .reason = "compute.start-failed"};
  MachineReconciler reconciler(world, world);
  CHECK_FALSE(reconciler.reconcile(world.read()).ok());
  CHECK(world.stored.status.phase == Phase::kFailed);
  CHECK(world.stored.status.message == "qemu: cannot allocate");
  world.start_error.reset();
  REQUIRE(run(world));
  CHECK(world.stored.status.phase == Phase::kRunning);
  CHECK(world.stored.status.message.empty());
}

TEST_CASE("a driver that cannot be reached leaves the phase as it was last seen") {
  FakeWorld world = world_with(v1::PowerState::kRunning);
  REQUIRE(run(world));
  world.guests.clear();
  world.start_error = Error{.code = Code::kUnavailable, .message = "libvirtd is away", .reason = "kvm.disconnected"};
  MachineReconciler reconciler(world, world);
  CHECK_FALSE(reconciler.reconcile(world.read()).ok());
  CHECK(world.stored.status.phase != Phase::kFailed);
  CHECK(world.stored.status.reason == "kvm.disconnected");
}

TEST_CASE("power goes every way") {
  const auto from = GENERATE(v1::PowerState::kRunning, v1::PowerState::kStopped, v1::PowerState::kPaused);
  const auto to = GENERATE(v1::PowerState::kRunning, v1::PowerState::kStopped, v1::PowerState::kPaused);
  FakeWorld world = world_with(from);
  REQUIRE(run(world));
  want(world, to);
  REQUIRE(run(world));
  CHECK(world.stored.status.observed_generation == world.stored.metadata.generation);
  if (to == v1::PowerState::kRunning) CHECK(world.guests.at(world.stored.status.node) == GuestState::kRunning);
  if (to == v1::PowerState::kPaused) CHECK(world.guests.at(world.stored.status.node) == GuestState::kPaused);
  if (to == v1::PowerState::kStopped) {
    for (const auto& [node, state] : world.guests) CHECK(state == GuestState::kStopped);
  }
}

TEST_CASE("a deleted machine leaves no guest, no claim and no finalizer") {
  FakeWorld world = world_with(v1::PowerState::kRunning);
  REQUIRE(run(world));
  want_gone(world);
  REQUIRE(run(world));
  CHECK_FALSE(world.exists);
  CHECK(world.guests.empty());
  CHECK(world.claims.empty());
  CHECK(world.events.back() == "vm.deleted");
}

TEST_CASE("a guest that ended by itself is started again while it should run") {
  FakeWorld world = world_with(v1::PowerState::kRunning);
  REQUIRE(run(world));
  world.guests.at(world.stored.status.node) = GuestState::kCrashed;
  REQUIRE(run(world));
  CHECK(world.guests.at(world.stored.status.node) == GuestState::kRunning);
}

TEST_CASE("nothing is written when nothing has changed") {
  FakeWorld world = world_with(v1::PowerState::kRunning);
  REQUIRE(run(world));
  world.steps.clear();
  MachineReconciler reconciler(world, world);
  REQUIRE(reconciler.reconcile(world.read()).ok());
  CHECK(world.steps == std::vector<std::string>{"read-guest"});
}

TEST_CASE("a status that somebody else wrote in between is not overwritten") {
  FakeWorld world = world_with(v1::PowerState::kRunning);
  const Machine stale = world.read();
  REQUIRE(run(world));
  MachineReconciler reconciler(world, world);
  const auto done = reconciler.reconcile(stale);
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().reason == "resource.conflict");
  CHECK(world.guests.size() == 1);
}

TEST_CASE("ended at any step of create, start, stop, pause and delete, it converges to one guest or none") {
  const FakeWorld created = world_with(v1::PowerState::kRunning);
  for (size_t point = 0; point < kill_points(created); ++point) {
    FakeWorld world = created;
    run_with_kill(world, point);
    CAPTURE(point);
    CHECK(world.guests.size() == 1);
    CHECK(world.guests.count(world.stored.status.node) == 1);
    CHECK(world.stored.status.phase == Phase::kRunning);
  }
  FakeWorld running = created;
  REQUIRE(run(running));
  for (const auto power : {v1::PowerState::kStopped, v1::PowerState::kPaused}) {
    FakeWorld changed = running;
    want(changed, power);
    for (size_t point = 0; point < kill_points(changed); ++point) {
      FakeWorld world = changed;
      run_with_kill(world, point);
      CAPTURE(point);
      CHECK(world.guests.size() == 1);
      CHECK(world.stored.status.phase == (power == v1::PowerState::kStopped ? Phase::kStopped : Phase::kPaused));
    }
  }
  FakeWorld deleted = running;
  want_gone(deleted);
  for (size_t point = 0; point < kill_points(deleted); ++point) {
    FakeWorld world = deleted;
    run_with_kill(world, point);
    CAPTURE(point);
    CHECK_FALSE(world.exists);
    CHECK(world.guests.empty());
    CHECK(world.claims.empty());
  }
}

TEST_CASE("a fail point names a side and a step, and nothing else") {
  CHECK(FailPoint::parse("").has_value());
  CHECK(FailPoint::parse("before:start-guest")->is("before", Step::kStartGuest));
  CHECK_FALSE(FailPoint::parse("during:start-guest").has_value());
  CHECK_FALSE(FailPoint::parse("before:coffee").has_value());
  CHECK_FALSE(FailPoint::parse("start-guest").has_value());
}
