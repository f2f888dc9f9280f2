// What the nodes offer and what is promised of it, kept up to date by the watches of nodes and machines.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "novacron/core/v1/host.nc.h"
#include "world.h"

namespace novacron::compute::controller {

/// [any] thread.
class NodeInventory final : public Inventory {
 public:
  /// Labels, and whether new machines may come, of a host's Node.
  void set_node(const core::v1::Node& node);
  void remove_node(const std::string& name);

  /// What a driver offers on its node. `name` is the ComputeNode's.
  void set_offer(const std::string& name, const v1::ComputeNodeSpec& spec, const v1::ComputeNodeStatus& status);
  void remove_offer(const std::string& name);

  /// A machine as it is now: it counts where its status says that it lives.
  void set_machine(const Machine& machine);
  void remove_machine(const std::string& uid);

  std::vector<scheduling::v1::Candidate> candidates(std::string_view driver) override;
  /// Holds until set_machine() or remove_machine() of the same uid.
  void assume(const Machine& machine, std::string_view node) override;

 private:
  struct NodeFacts {
    std::map<std::string, std::string> labels;
    bool is_cordoned = false;
    bool is_down = false;
  };
  struct Offer {
    std::string node;
    std::string driver;
    scheduling::v1::Demand capacity;
  };
  struct Promise {
    std::string node;
    scheduling::v1::Demand demand;
  };

  std::mutex mutex_;
  std::map<std::string, NodeFacts> nodes_;
  std::map<std::string, Offer> offers_;      // by the ComputeNode's name
  std::map<std::string, Promise> promises_;  // by the machine's uid
};

/// What a machine takes of its node.
scheduling::v1::Demand demand_of(const v1::VirtualMachineSpec& spec);

}  // namespace novacron::compute::controller
