// The controller's moving parts, wired: caches of machines and nodes, the inventory that they feed, and the queue of
// machines to look at.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "host_world.h"
#include "machine_reconciler.h"
#include "node_inventory.h"
#include "novacron/informer.h"
#include "novacron/reconciler.h"

namespace novacron::compute::controller {

class Works {
 public:
  Works(Host& host, uint32_t workers, FailPoint fail_point);

  void start();
  HostWorld& world() { return world_; }
  NodeInventory& inventory() { return inventory_; }

 private:
  Result<Again> reconcile(const ResourceKey& key);
  void machine_changed(const ResourceKey& key);
  void node_changed(const ResourceKey& key);
  void offer_changed(const ResourceKey& key);
  void guest_changed(const Event& event);
  /// Every machine is looked at: something about guests or room may have been missed.
  void look_at_all();
  void look_at_pending();
  void subscribe();

  Host& host_;
  Informer<v1::VirtualMachine> machines_;
  Informer<core::v1::Node> nodes_;
  Informer<v1::ComputeNode> offers_;
  HostWorld world_;
  NodeInventory inventory_;
  MachineReconciler machine_reconciler_;
  std::mutex mutex_;
  std::map<std::string, ResourceKey> key_of_uid_;
  std::map<ResourceKey, std::string> uid_of_key_;
  std::set<ResourceKey> without_node_;
  Reconciler queue_;  // after what its workers use
  Subscription guests_;
};

}  // namespace novacron::compute::controller
