// What the nodes offer and what is promised of it, kept up to date by the watches of nodes and machines.
#pragma once

#include <map>
#include <mutex>
#include <optional>
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

  std::vector<scheduling::v1::Candidate> candidates(std::string_view driver, std::string_view uid) override;
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
    std::optional<uint64_t> assumed_at;  ///< the status revision that was known then
  };

  /// With the lock held, as all of these.
  void promise(const std::string& uid, Promise promise);
  void release(const std::string& uid);
  scheduling::v1::Demand used_on(const std::string& node, std::string_view except_uid) const;

  std::mutex mutex_;
  std::map<std::string, NodeFacts> nodes_;
  std::map<std::string, Offer> offers_;                   // by the ComputeNode's name
  std::map<std::string, Promise, std::less<>> promises_;  // by the machine's uid
  std::map<std::string, scheduling::v1::Demand> used_;    // by node: the sum of its promises
};

/// What a machine takes of its node.
scheduling::v1::Demand demand_of(const v1::VirtualMachineSpec& spec);

}  // namespace novacron::compute::controller
