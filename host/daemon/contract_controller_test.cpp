#include "host/daemon/contract_controller.h"

#include <catch2/catch.hpp>
#include <vector>

#include "host/base/clock.h"
#include "host/resource/keys.h"
#include "host/resource/testing/world.h"
#include "novacron/core/v1/host.pb.h"

using namespace novacron::host;
using namespace novacron::host::daemon;
namespace api = novacron::core::v1;

namespace {

constexpr uint64_t kPatienceNs = 20'000'000'000;

struct Fixture : resource::testing::World {
  resource::ObjectRef plugin(const std::string& name) const { return {std::string(resource::kPluginKind), "", name}; }
  const resource::ObjectRef contract{std::string(resource::kContractKind), "", "shop-v1"};

  void install(const std::string& name, const std::vector<std::string>& provides) {
    REQUIRE(store().create(host, plugin(name), resource::Body::json("{}")).ok());
    api::PluginStatus status;
    status.mutable_provides()->Add(provides.begin(), provides.end());
    REQUIRE(store().update_status(host, plugin(name), status.SerializeAsString()).ok());
  }
  api::ContractStatus status() {
    api::ContractStatus out;
    const auto object = store().get(host, contract);
    REQUIRE(object.ok());
    out.ParseFromString(object->status);
    return out;
  }
  /// Waits until the contract's status is that.
  void wait_for(uint64_t generation, const std::vector<std::string>& providers) {
    resource::WatchOptions options;
    options.kind = resource::kContractKind;
    const auto watch = store().watch(host, options);
    REQUIRE(watch.ok());
    const uint64_t deadline_ns = clock.monotonic_ns() + kPatienceNs;
    while (true) {
      const auto now = status();
      const std::vector<std::string> seen(now.providers().begin(), now.providers().end());
      if (now.observed_generation() == generation && seen == providers) return;
      const auto events = (*watch)->wait(64, deadline_ns);
      if (!events.ok()) FAIL("the status stays " + now.ShortDebugString());
    }
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a contract's status names the plugins that provide it, and the generation that was seen") {
  install("b", {"shop.v1@1.0.0"});
  ContractController controller(store(), host);
  controller.start();
  wait_for(1, {"b"});
  install("a", {"other.v1@1.0.0", "shop.v1@1.2.0"});
  install("c", {"shop.v10@1.0.0"});
  wait_for(1, {"a", "b"});
  REQUIRE(store().remove(host, plugin("b")).ok());
  wait_for(1, {"a"});
}

TEST_CASE_METHOD(Fixture, "what happened while nobody followed is made up for, and then nothing is written any more") {
  {
    ContractController controller(store(), host);
    controller.start();
    wait_for(1, {});
  }
  install("a", {"shop.v1@1.0.0"});
  CHECK(status().providers().empty());
  {
    ContractController controller(store(), host);
    controller.start();
    wait_for(1, {"a"});
  }
  const uint64_t revision = engine().status().revision;
  {
    ContractController controller(store(), host);
    controller.start();
  }
  CHECK(engine().status().revision == revision);
}

TEST_CASE_METHOD(Fixture, "the schema stays when only the status of a contract is written") {
  const auto before = store().schema();
  REQUIRE(store().update_status(host, contract, api::ContractStatus().SerializeAsString()).ok());
  api::ContractStatus status;
  status.set_observed_generation(1);
  REQUIRE(store().update_status(host, contract, status.SerializeAsString()).ok());
  CHECK(store().schema() == before);
}
