#include "fake.h"

#include <catch2/catch.hpp>

#include "novacron/testing/host.h"
#include "novacron/testing/resources.h"

using namespace novacron;
using compute::v1::ComputeNode;
using compute::v1::DriverClient;

namespace {

struct World {
  World() {
    host.provide(resources);
    resources.put<core::v1::Node>({.name = "one"}, {});
    resources.put<core::v1::Node>({.name = "two"}, {}, {{"novacron.dev/fleet", "true"}});
  }
  bool offered(const std::string& name) {
    const auto offer = resources.find<ComputeNode>({.name = name});
    return offer && offer->status.cpus == 64;
  }

  testing::Resources resources;
  testing::Host host;
};

compute::v1::StartRequest start_of(const std::string& uid, uint64_t fence) {
  compute::v1::StartRequest request;
  request.guest.emplace();
  request.guest->uid = uid;
  request.guest->tenant = "default";
  request.claim_fence = fence;
  return request;
}

}  // namespace

TEST_CASE("every node is offered, with its size and its owner") {
  World world;
  const auto plugin = world.host.load<fake::Fake>();
  REQUIRE(plugin.ok());
  REQUIRE(world.host.run_until([&] { return world.offered("one-fake") && world.offered("two-fake"); }));
  const auto offer = world.resources.find<ComputeNode>({.name = "two-fake"});
  CHECK(offer->spec.node == "two");
  CHECK(offer->spec.driver == "fake");
  REQUIRE(offer->metadata.owners.size() == 1);
  CHECK(offer->metadata.owners[0].name == "two");
}

TEST_CASE("a guest is on the node that the call names, and its changes are events") {
  World world;
  const auto plugin = world.host.load<fake::Fake>();
  REQUIRE(plugin.ok());
  const DriverClient one(world.host.client(), {.node = "one"});
  const DriverClient two(world.host.client(), {.node = "two"});
  REQUIRE(one.start(start_of("u", 1)).ok());
  const auto second = two.start(start_of("u", 1));
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().reason == "fake.second-guest");
  REQUIRE(one.start(start_of("u", 1)).ok());
  REQUIRE(one.delete_({.uid = "u", .claim_fence = 1}).ok());
  std::vector<std::string> subjects;
  for (const auto& event : world.host.events()) subjects.push_back(event.subject);
  CHECK(subjects == std::vector<std::string>{"guest.started", "guest.deleted"});
  CHECK(one.get({.uid = "u"})->state == compute::v1::GuestStatus::State::kAbsent);
}
