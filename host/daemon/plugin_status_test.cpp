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

TEST_CASE("an upgrade is read from a status as it was written there") {
  plugin::PluginInfo info;
  plugin::Upgrade& upgrade = info.upgrade;
  PluginStatus status;
  describe(info, status);
  CHECK_FALSE(status.has_upgrade());
  upgrade.phase = plugin::Upgrade::Phase::kRolledBack;
  upgrade.from = {"1.0.0", plugin::Placement::kInline, "sha256:a"};
  upgrade.to = {"2.0.0", plugin::Placement::kSandboxed, "sha256:b"};
  upgrade.reason = "plugin.slower";
  upgrade.pause_ns = 1'500'000;
  upgrade.begun_at_ns = 1'234'567'890'123'456'789;
  describe(info, status);
  const plugin::Upgrade read = upgrade_of(status.upgrade());
  CHECK(read.phase == upgrade.phase);
  CHECK(read.from == upgrade.from);
  CHECK(read.to == upgrade.to);
  CHECK(read.reason == upgrade.reason);
  CHECK(read.pause_ns == upgrade.pause_ns);
  CHECK(read.begun_at_ns == upgrade.begun_at_ns);
  CHECK(read.ended_at_ns == 0);
}
