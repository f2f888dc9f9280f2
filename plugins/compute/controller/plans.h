// What the controller would do after a write, for dry runs: where the machine would live, which disks would be made or
// removed there, and which calls to its driver would follow.
#pragma once

#include <optional>
#include <vector>

#include "novacron/core/v1/planner.nc.h"
#include "world.h"

namespace novacron::compute::controller {

/// Asks the scheduler where the machine is not placed yet; changes nothing. `before` is absent when the machine would
/// be created, `after` when it would be deleted; both may have been placed. [worker]
std::vector<core::v1::PlannedEffect> plan_effects(World& world, Inventory& inventory,
                                                  const std::optional<Machine>& before,
                                                  const std::optional<Machine>& after);

}  // namespace novacron::compute::controller
