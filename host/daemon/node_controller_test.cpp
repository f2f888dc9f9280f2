#include "host/daemon/node_controller.h"

#include <catch2/catch.hpp>

#include "host/base/clock.h"
#include "host/resource/testing/world.h"
#include "novacron/core/v1/host.pb.h"

using namespace novacron::host;
using namespace novacron::host::daemon;
namespace api = novacron::core::v1;

namespace {

constexpr uint64_t kPatienceNs = 20'000'000'000;

struct Fixture : resource::testing::World {
  resource::ObjectRef node(const std::string& name) const { return {std::string(resource::kNodeKind), "", name}; }

  void make(const std::string& name) {
    REQUIRE(store().create(host, node(name), resource::Body::json("{}")).ok());
    api::NodeStatus status;
    status.set_phase(api::NodeStatus::PHASE_READY);
    REQUIRE(store().update_status(host, node(name), status.SerializeAsString()).ok());
  }
  void cordon(const std::string& name, bool cordoned) {
    const std::string body = cordoned ? R"({"spec":{"cordoned":true}})" : R"({"spec":{"cordoned":false}})";
    REQUIRE(store().patch(host, node(name), body).ok());
  }
  api::NodeStatus status(const std::string& name, uint64_t& generation) {
    api::NodeStatus out;
    const auto object = store().get(host, node(name));
    REQUIRE(object.ok());
    out.ParseFromString(object->status);
    generation = object->generation;
    return out;
  }
  bool is_seen(const std::string& name) {
    uint64_t generation = 0;
    return status(name, generation).observed_generation() == generation;
  }
  void wait_until_seen(const std::string& name) {
    resource::WatchOptions options;
    options.kind = resource::kNodeKind;
    const auto watch = store().watch(host, options);
    REQUIRE(watch.ok());
    const uint64_t deadline_ns = clock.monotonic_ns() + kPatienceNs;
    while (!is_seen(name)) {
      if (!(*watch)->wait(64, deadline_ns).ok()) FAIL("the spec of " + name + " is not seen");
    }
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a node's status says that its spec has been seen, and keeps what else it says") {
  make("one");
  make("other");
  {
    NodeController controller(store(), host, {"one"});
    controller.start();
    wait_until_seen("one");
    for (const bool cordoned : {true, false, true}) {
      cordon("one", cordoned);
      wait_until_seen("one");
    }
  }
  uint64_t generation = 0;
  CHECK(status("one", generation).phase() == api::NodeStatus::PHASE_READY);
  CHECK(generation == 4);
  CHECK_FALSE(is_seen("other"));  // another host's to say
}

TEST_CASE_METHOD(Fixture, "what was asked of a node while its host was away is seen when it is back") {
  make("one");
  cordon("one", true);
  {
    NodeController controller(store(), host, {"one"});
    controller.start();
    wait_until_seen("one");
  }
  const uint64_t revision = engine().status().revision;
  NodeController controller(store(), host, {"one"});
  controller.start();
  controller.stop();
  CHECK(engine().status().revision == revision);
}
