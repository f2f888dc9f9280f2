// The real world: the host's resources and claims, whoever schedules, and the driver on a machine's node.
#pragma once

#include "novacron/core/v1/state.nc.h"
#include "novacron/sdk.h"
#include "steps.h"
#include "world.h"

namespace novacron::compute::controller {

class HostWorld final : public World {
 public:
  /// `machines` outlives this; its owner's cache learns of what is written.
  HostWorld(Host& host, const ResourceClient<v1::VirtualMachine>& machines, FailPoint fail_point)
      : host_(host), machines_(machines), fail_point_(std::move(fail_point)), scheduler_(host) {}

  Status add_finalizer(const Machine& machine) override;
  Status remove_finalizer(const Machine& machine) override;
  Status write_status(Machine& machine, v1::VirtualMachineStatus status) override;
  Status bind(Machine& machine, v1::VirtualMachineStatus status) override;
  Result<scheduling::v1::ScheduleReply> schedule(const scheduling::v1::ScheduleRequest& request) override;
  Result<uint64_t> acquire_claim(const Machine& machine) override;
  Status release_claim(const Machine& machine, uint64_t fence) override;
  Result<v1::GuestStatus> read_guest(const Machine& machine) override;
  Result<v1::GuestStatus> start_guest(const Machine& machine, uint64_t fence) override;
  Result<v1::GuestStatus> pause_guest(const Machine& machine, uint64_t fence) override;
  Result<v1::GuestStatus> resume_guest(const Machine& machine, uint64_t fence) override;
  Result<v1::GuestStatus> stop_guest(const Machine& machine, uint64_t fence) override;
  Result<v1::GuestStatus> delete_guest(const Machine& machine, uint64_t fence) override;
  void publish(const Machine& machine, std::string_view subject) override;
  /// Tells of a guest that no machine stands for, with the driver's event about it.
  void publish_orphan(const Event& event);

  /// The driver that runs the machine, on its node.
  v1::DriverClient driver_of(const Machine& machine) const;

 private:
  Status store_status(Machine& machine, v1::VirtualMachineStatus status);
  core::v1::ClaimsClient claims_of(const Machine& machine) const;

  Host& host_;
  const ResourceClient<v1::VirtualMachine>& machines_;
  const FailPoint fail_point_;
  const scheduling::v1::SchedulerClient scheduler_;
};

}  // namespace novacron::compute::controller
