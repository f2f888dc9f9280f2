#include "node_inventory.h"

#include <catch2/catch.hpp>

using namespace novacron;
using namespace novacron::compute;
using namespace novacron::compute::controller;

namespace {

core::v1::Node node_named(const std::string& name) {
  core::v1::Node node;
  node.metadata.emplace().name = name;
  node.metadata->labels["rack"] = "r1";
  node.spec.emplace();
  node.status.emplace();
  return node;
}

void offer(NodeInventory& inventory, const std::string& node, const std::string& driver) {
  v1::ComputeNodeSpec spec;
  spec.node = node;
  spec.driver = driver;
  v1::ComputeNodeStatus status;
  status.cpus = 4;
  status.memory_bytes = 1000;
  inventory.set_offer(node + "-" + driver, spec, status);
}

Machine machine_on(const std::string& uid, const std::string& node) {
  Machine machine;
  machine.metadata.uid = uid;
  machine.spec.cpus = 2;
  machine.spec.memory_bytes = 300;
  machine.status.node = node;
  return machine;
}

}  // namespace

TEST_CASE("only nodes that offer the driver are candidates") {
  NodeInventory inventory;
  inventory.set_node(node_named("a"));
  offer(inventory, "a", "kvm");
  CHECK(inventory.candidates("container", "").empty());
  REQUIRE(inventory.candidates("kvm", "").size() == 1);
  CHECK(inventory.candidates("kvm", "")[0].labels.at("rack") == "r1");
  inventory.remove_offer("a-kvm");
  CHECK(inventory.candidates("kvm", "").empty());
}

TEST_CASE("a cordoned, a lost and an unknown node are refused, each with its word") {
  NodeInventory inventory;
  offer(inventory, "a", "kvm");
  CHECK(inventory.candidates("kvm", "")[0].refused == "the node is not known");
  core::v1::Node node = node_named("a");
  node.spec->cordoned = true;
  inventory.set_node(node);
  CHECK(inventory.candidates("kvm", "")[0].refused == "cordoned");
  node.status->phase = core::v1::NodeStatus_Phase::kDown;
  inventory.set_node(node);
  CHECK(inventory.candidates("kvm", "")[0].refused == "down");
}

TEST_CASE("machines count on their node until they are gone, assumed ones too, and none counts twice") {
  NodeInventory inventory;
  inventory.set_node(node_named("a"));
  offer(inventory, "a", "kvm");
  inventory.assume(machine_on("u1", ""), "a");
  CHECK(inventory.candidates("kvm", "")[0].used->memory_bytes == 300);
  inventory.set_machine(machine_on("u1", "a"));
  inventory.set_machine(machine_on("u2", "a"));
  CHECK(inventory.candidates("kvm", "")[0].used->memory_bytes == 600);
  CHECK(inventory.candidates("kvm", "")[0].used->cpu_millis == 4000);
  inventory.remove_machine("u1");
  CHECK(inventory.candidates("kvm", "")[0].used->memory_bytes == 300);
}

TEST_CASE("an assumption outlives older news of its machine, and ends with newer") {
  NodeInventory inventory;
  inventory.set_node(node_named("a"));
  offer(inventory, "a", "kvm");
  Machine machine = machine_on("u1", "");
  machine.status_revision = 7;
  inventory.assume(machine, "a");
  inventory.set_machine(machine);
  CHECK(inventory.candidates("kvm", "")[0].used->memory_bytes == 300);
  machine.status_revision = 8;  // not bound after all
  inventory.set_machine(machine);
  CHECK(inventory.candidates("kvm", "")[0].used->memory_bytes == 0);
}

TEST_CASE("a machine that is placed again does not stand in its own way") {
  NodeInventory inventory;
  inventory.set_node(node_named("a"));
  offer(inventory, "a", "kvm");
  inventory.assume(machine_on("u1", ""), "a");
  inventory.assume(machine_on("u1", ""), "a");
  CHECK(inventory.candidates("kvm", "u1")[0].used->memory_bytes == 0);
  CHECK(inventory.candidates("kvm", "u2")[0].used->memory_bytes == 300);
}
