#include "node_inventory.h"

#include <utility>

namespace novacron::compute::controller {

scheduling::v1::Demand demand_of(const v1::VirtualMachineSpec& spec) {
  scheduling::v1::Demand demand;
  demand.cpu_millis = uint64_t{spec.cpus.value_or(1)} * 1000;
  demand.memory_bytes = spec.memory_bytes.value_or(0);
  return demand;
}

void NodeInventory::set_node(const core::v1::Node& node) {
  NodeFacts facts;
  facts.labels = node.metadata ? node.metadata->labels : decltype(facts.labels){};
  facts.is_cordoned = node.spec && node.spec->cordoned.value_or(false);
  facts.is_down = node.status && node.status->phase == core::v1::NodeStatus_Phase::kDown;
  std::lock_guard lock(mutex_);
  nodes_[node.metadata ? node.metadata->name : std::string()] = std::move(facts);
}

void NodeInventory::remove_node(const std::string& name) {
  std::lock_guard lock(mutex_);
  nodes_.erase(name);
}

void NodeInventory::set_offer(const std::string& name, const v1::ComputeNodeSpec& spec,
                              const v1::ComputeNodeStatus& status) {
  Offer offer;
  offer.node = spec.node;
  offer.driver = spec.driver;
  offer.capacity.cpu_millis = uint64_t{status.cpus} * 1000;
  offer.capacity.memory_bytes = status.memory_bytes;
  std::lock_guard lock(mutex_);
  offers_[name] = std::move(offer);
}

void NodeInventory::remove_offer(const std::string& name) {
  std::lock_guard lock(mutex_);
  offers_.erase(name);
}

void NodeInventory::set_machine(const Machine& machine) {
  std::lock_guard lock(mutex_);
  if (!machine.status.node.empty()) {
    return promise(machine.metadata.uid, {machine.status.node, demand_of(machine.spec), std::nullopt});
  }
  const auto found = promises_.find(machine.metadata.uid);
  if (found == promises_.end()) return;
  // A cache may still be about to see what was written before the choice.
  if (found->second.assumed_at && machine.status_revision <= *found->second.assumed_at) return;
  release(machine.metadata.uid);
}

void NodeInventory::remove_machine(const std::string& uid) {
  std::lock_guard lock(mutex_);
  release(uid);
}

void NodeInventory::assume(const Machine& machine, std::string_view node) {
  std::lock_guard lock(mutex_);
  promise(machine.metadata.uid, {std::string(node), demand_of(machine.spec), machine.status_revision});
}

void NodeInventory::promise(const std::string& uid, Promise promise) {
  release(uid);
  scheduling::v1::Demand& used = used_[promise.node];
  used.cpu_millis += promise.demand.cpu_millis;
  used.memory_bytes += promise.demand.memory_bytes;
  promises_[uid] = std::move(promise);
}

void NodeInventory::release(const std::string& uid) {
  const auto found = promises_.find(uid);
  if (found == promises_.end()) return;
  scheduling::v1::Demand& used = used_[found->second.node];
  used.cpu_millis -= found->second.demand.cpu_millis;
  used.memory_bytes -= found->second.demand.memory_bytes;
  promises_.erase(found);
}

scheduling::v1::Demand NodeInventory::used_on(const std::string& node, std::string_view except_uid) const {
  const auto found = used_.find(node);
  scheduling::v1::Demand used = found == used_.end() ? scheduling::v1::Demand() : found->second;
  const auto own = promises_.find(except_uid);
  if (own != promises_.end() && own->second.node == node) {
    used.cpu_millis -= own->second.demand.cpu_millis;
    used.memory_bytes -= own->second.demand.memory_bytes;
  }
  return used;
}

std::vector<scheduling::v1::Candidate> NodeInventory::candidates(std::string_view driver, std::string_view uid) {
  std::lock_guard lock(mutex_);
  std::vector<scheduling::v1::Candidate> out;
  for (const auto& [name, offer] : offers_) {
    if (offer.driver != driver) continue;
    auto& candidate = out.emplace_back();
    candidate.node = offer.node;
    candidate.capacity = offer.capacity;
    candidate.used = used_on(offer.node, uid);
    const auto node = nodes_.find(offer.node);
    if (node == nodes_.end()) {
      candidate.refused = "the node is not known";
      continue;
    }
    candidate.labels = node->second.labels;
    if (node->second.is_cordoned) candidate.refused = "cordoned";
    if (node->second.is_down) candidate.refused = "down";
  }
  return out;
}

}  // namespace novacron::compute::controller
