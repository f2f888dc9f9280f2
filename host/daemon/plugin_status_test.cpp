#include "host/daemon/plugin_status.h"

#include <catch2/catch.hpp>

#include "novacron/core/v1/host.pb.h"

using namespace novacron::host;
using namespace novacron::host::daemon;
using novacron::core::v1::PluginStatus;

TEST_CASE("a status tells of faults and of breakers that are not closed") {
  plugin::PluginInfo info;
  info.faults = {{"plugin.stale-id", "it used an id: finish", 10}};
  info.breakers = {{"a.v1.S", true, 7}};
  PluginStatus status;
  status.set_state(PluginStatus::STATE_ENABLED);
  describe_troubles(info, status);
  describe_troubles(info, status);  // not twice
  REQUIRE(status.faults_size() == 1);
  CHECK(status.faults(0).reason() == "plugin.stale-id");
  CHECK(status.faults(0).count() == 10);
  REQUIRE(status.breakers_size() == 1);
  CHECK(status.breakers(0).half_open());
  CHECK(status.breakers(0).failures() == 7);
  CHECK(status.state() == PluginStatus::STATE_ENABLED);
}

TEST_CASE("why a spec could not be followed never hides why the plugin was quarantined or abandoned") {
  const Error failure{Code::kFailedPrecondition, "disable it first", "plugin.quarantined"};
  for (const auto state : {PluginStatus::STATE_QUARANTINED, PluginStatus::STATE_ABANDONED}) {
    PluginStatus status;
    status.set_state(state);
    status.set_message("boo");
    describe(failure, status);
    CHECK(status.state() == state);
    CHECK(status.message() == "boo");
  }
  PluginStatus status;
  status.set_state(PluginStatus::STATE_RESOLVED);
  describe(failure, status);
  CHECK(status.state() == PluginStatus::STATE_FAILED);
  CHECK(status.message() == "disable it first");
}
