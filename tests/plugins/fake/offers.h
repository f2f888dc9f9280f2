// A ComputeNode for each Node of the host.
#pragma once

#include "novacron/compute/v1/compute.nc.h"
#include "novacron/core/v1/host.nc.h"
#include "novacron/informer.h"
#include "novacron/reconciler.h"

namespace novacron::fake {

inline constexpr std::string_view kDriver = "fake";

class Offers {
 public:
  Offers(Host& host, compute::v1::ComputeNodeStatus offer, const std::string& label_selector);
  void start();

 private:
  Result<Again> reconcile(const ResourceKey& key);

  const compute::v1::ComputeNodeStatus offer_;
  Informer<core::v1::Node> nodes_;
  const ResourceClient<compute::v1::ComputeNode> offers_;
  Reconciler queue_;  // after what it uses
};

}  // namespace novacron::fake
