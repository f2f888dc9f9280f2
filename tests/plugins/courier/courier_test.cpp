#include "courier.h"

#include <catch2/catch.hpp>

#include "novacron/testing/host.h"
#include "novacron/testing/resources.h"

using novacron::Code;

namespace {
struct World {
  World() { host.provide(operations); }
  novacron::testing::Host host;
  novacron::testing::Operations operations;
  novacron::testing::Loaded<test::parcels::Courier> courier = *host.load<test::parcels::Courier>();
  test::parcels::v1::ParcelActionsClient actions{host.client()};
  novacron::core::v1::ObjectRef parcel{.kind = "test.parcels/Parcel", .tenant = "default", .name = "p1"};
};
}  // namespace

TEST_CASE("a delivery reports each step and saves where it is") {
  World world;
  const auto reply = world.actions.deliver({.object = world.parcel, .steps = 4});
  REQUIRE(reply.ok());
  CHECK(reply->from_step == 0);
  REQUIRE(world.operations.reports().size() == 4);
  CHECK(world.operations.reports()[1].percent == 50u);
  CHECK(world.operations.checkpoint() == "4");
}

TEST_CASE("a delivery that is repeated goes on where it was") {
  World world;
  world.operations.resume_from("3");
  CHECK(world.actions.deliver({.object = world.parcel, .steps = 4})->from_step == 3);
  CHECK(world.operations.reports().size() == 1);
}

TEST_CASE("a caravan has every parcel delivered as a child of its own") {
  World world;
  const auto reply = world.actions.caravan({.object = world.parcel, .parcels = {"a", "b"}});
  REQUIRE(reply.ok());
  CHECK(reply->delivered == 2);
  REQUIRE(world.operations.children().size() == 2);
  CHECK(world.operations.children()[1].target->name == "b");
}

TEST_CASE("a caravan fails as its child does") {
  World world;
  world.operations.end_children("deliver", {.cancelled = true, .reason = "operation.cancelled", .message = "stopped"});
  const auto reply = world.actions.caravan({.object = world.parcel, .parcels = {"a"}});
  CHECK(reply.code() == Code::kCancelled);
  CHECK(reply.error().reason == "operation.cancelled");
}
