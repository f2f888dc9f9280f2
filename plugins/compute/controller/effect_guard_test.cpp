#include "effect_guard.h"

#include <catch2/catch.hpp>

#include "novacron/compute/v1/compute.nc.h"
#include "novacron/testing/host.h"
#include "steps.h"

namespace novacron::compute::controller {
namespace {

/// The effects that were reported.
std::vector<std::string> reported(const testing::Host& host) {
  std::vector<std::string> out;
  for (const auto& line : host.logs()) {
    if (line.event == kEffectOutside) out.push_back(line.fields.at(0).second);
  }
  return out;
}

}  // namespace

TEST_CASE("An effect outside a step is reported, and takes place") {
  testing::Host world;
  EffectGuard guard(world.client());
  const v1::DriverClient driver(guard.host());
  CHECK(driver.stop({}).code() == Code::kUnavailable);
  CHECK(guard.host().publish("vm.running", "body").ok());
  CHECK(reported(world) == std::vector<std::string>{"novacron.compute.v1.Driver/Stop", "event vm.running"});
  CHECK(world.events().size() == 1);
}

TEST_CASE("An effect in a step is not reported, nor is a read outside one") {
  testing::Host world;
  EffectGuard guard(world.client());
  const v1::DriverClient driver(guard.host());
  CHECK(driver.get({}).code() == Code::kUnavailable);
  {
    const FailPoint nowhere;
    StepScope step(nowhere, Step::kStopGuest);
    CHECK(driver.stop({}).code() == Code::kUnavailable);
  }
  CHECK(reported(world).empty());
  CHECK_FALSE(StepScope::is_under_way());
}

}  // namespace novacron::compute::controller
