// What a running guest uses.
#pragma once

#include "novacron/compute/v1/compute.nc.h"
#include "novacron/result.h"

struct _virDomain;

namespace novacron::kvm {

/// Network cards without a device on the host (user mode) have no statistics and are left out.
Result<compute::v1::GuestStats> read_stats(_virDomain* domain);

}  // namespace novacron::kvm
