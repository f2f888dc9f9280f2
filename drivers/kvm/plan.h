// From a machine as its owner describes it to orders that the driver carries out. Checks everything that the driver
// relies on: requests come from another plugin.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "disks.h"
#include "domain_xml.h"
#include "novacron/compute/v1/compute.nc.h"
#include "novacron/result.h"

namespace novacron::kvm {

/// What must be made before the definition is complete.
struct GuestPlan {
  DomainPlan domain;  ///< without paths and disks
  std::vector<DiskOrder> disks;
  std::string kernel, initrd;  ///< digests, or empty
  std::string user_data;

  /// Every image that it needs.
  std::set<std::string> images() const;
};

/// INVALID_ARGUMENT with a reason when the guest cannot be run as described.
Result<GuestPlan> plan_guest(const compute::v1::Guest& guest, uint64_t fence);

}  // namespace novacron::kvm
