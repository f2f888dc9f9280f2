// The plugin: watches machines, nodes and guests, and has the reconciler look at whatever changed.
#pragma once

#include <memory>

#include "novacron/compute/v1/compute.nc.h"
#include "novacron/compute_controller/v1/config.nc.h"
#include "novacron/core/v1/planner.nc.h"
#include "novacron/sdk.h"

namespace novacron::compute::controller {

class EffectGuard;
class Works;

/// Reentrant: machines are worked on beside each other.
class Controller final : public Provides<v1::VirtualMachineActionsService, core::v1::PlannerService> {
 public:
  using Config = compute_controller::v1::Config;
  static constexpr uint32_t kFlags = NC_PLUGIN_REENTRANT;

  Controller();
  ~Controller() override;

  /// Before start() only: what runs goes on with what it began with.
  Status configure(const Config& config);
  Status start() override;
  void stop() override;

  Result<v1::ConsoleReply> console(Call& call, const v1::ConsoleRequest& request) override;
  Result<core::v1::PlanReply> plan(Call& call, const core::v1::PlanRequest& request) override;
  Result<v1::GuestStats> stats(Call& call, const v1::StatsRequest& request) override;

 private:
  /// The machine of an action's object, as the caller sees it, placed on a node.
  Result<Resource<v1::VirtualMachine>> placed_machine(Call& call, const std::optional<core::v1::ObjectRef>& object);

  Config config_;
  std::unique_ptr<EffectGuard> guard_;  // where a fail point is set
  std::unique_ptr<Works> works_;        // from start() on
};

}  // namespace novacron::compute::controller
