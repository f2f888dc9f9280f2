#include "plans.h"

#include <catch2/catch.hpp>

#include "fake_world.h"

using namespace novacron::compute;
using namespace novacron::compute::controller;
using Strings = std::vector<std::string>;

namespace {

Machine machine(v1::PowerState power, const std::string& node = "") {
  Machine made;
  made.metadata.name = "web1";
  made.metadata.uid = "u1";
  made.spec.driver = "kvm";
  made.spec.power = power;
  v1::Disk root;
  root.name = "root";
  root.size_bytes = 1ull << 30;
  made.spec.disks = {root};
  made.status.node = node;
  return made;
}

Strings actions(FakeWorld& world, const std::optional<Machine>& before, const std::optional<Machine>& after) {
  Strings out;
  for (const auto& effect : plan_effects(world, world, before, after))
    out.push_back(effect.action + " " + effect.subject);
  return out;
}

}  // namespace

TEST_CASE("a new machine would be placed, started, and given its disks") {
  FakeWorld world;
  const auto planned = actions(world, std::nullopt, machine(v1::PowerState::kRunning));
  REQUIRE(planned.size() == 3);
  CHECK(planned[0].starts_with("place node "));
  CHECK(planned[1].starts_with("call driver kvm on "));
  CHECK(planned[2].starts_with("create disk root on "));
  CHECK(world.guests.empty());
}

TEST_CASE("a machine that no node has room for would wait, and the plan says why") {
  FakeWorld world;
  world.room = false;
  const auto effects = plan_effects(world, world, std::nullopt, machine(v1::PowerState::kRunning));
  REQUIRE(effects.size() == 1);
  CHECK(effects[0].action == "wait");
  CHECK(effects[0].text.starts_with("no node has room"));
}

TEST_CASE("the deletion of a placed machine would end its guest and take its disks") {
  FakeWorld world;
  CHECK(actions(world, machine(v1::PowerState::kRunning, "n1"), std::nullopt) ==
        Strings{"call driver kvm on n1", "delete disk root on n1"});
  CHECK(actions(world, machine(v1::PowerState::kRunning), std::nullopt).empty());
}

TEST_CASE("another power state of a placed machine is one call to its driver, and nothing else") {
  FakeWorld world;
  const auto running = machine(v1::PowerState::kRunning, "n1");
  const auto paused = machine(v1::PowerState::kPaused, "n1");
  const auto stopped = machine(v1::PowerState::kStopped, "n1");
  const auto call = [&](const Machine& before, const Machine& after) {
    return plan_effects(world, world, before, after);
  };
  CHECK(call(running, stopped).at(0).text == "Stop");
  CHECK(call(running, paused).at(0).text == "Pause");
  CHECK(call(paused, running).at(0).text == "Resume");
  CHECK(call(stopped, running).at(0).text == "Start");
  CHECK(call(running, running).empty());
}
