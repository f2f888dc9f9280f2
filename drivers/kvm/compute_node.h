// The node as this driver offers it: the resource "<node>-kvm".
#pragma once

#include <string>

#include "novacron/compute/v1/compute.nc.h"
#include "novacron/result.h"

struct _virConnect;

namespace novacron {
class Host;
}

namespace novacron::kvm {

/// What libvirt and the machine say.
Result<compute::v1::DriverDescription> describe_node(_virConnect* connection, const std::string& accelerator,
                                                     uint64_t reserved_memory_bytes);

/// Makes the resource, owned by the host's Node of that name, and writes its status if it differs. Calls the host;
/// blocks.
Status publish_node(const Host& host, const std::string& node, const compute::v1::ComputeNodeStatus& status);

/// This node's name, as the host knows it.
Result<std::string> node_name(const Host& host);

}  // namespace novacron::kvm
