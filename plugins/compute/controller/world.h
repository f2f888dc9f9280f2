// What the reconciler can do to the world outside: each function is one step of steps.h. Behind it stand the host's
// services, the scheduler and the drivers; in tests, a recording fake.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "novacron/compute/v1/compute.nc.h"
#include "novacron/resource.h"
#include "novacron/scheduling/v1/scheduling.nc.h"

namespace novacron::compute::controller {

/// Keeps a machine's object until its guest is gone.
inline constexpr std::string_view kFinalizer = "novacron.compute/guest";

using Machine = Resource<v1::VirtualMachine>;

/// Every function blocks up to its call's deadline. [worker]
class World {
 public:
  virtual ~World() = default;

  virtual Status add_finalizer(const Machine& machine) = 0;
  virtual Status remove_finalizer(const Machine& machine) = 0;
  /// ABORTED "resource.conflict" when the status has changed since `machine` was read. On success `machine` is as
  /// stored.
  virtual Status write_status(Machine& machine, v1::VirtualMachineStatus status) = 0;
  /// The same, for the one write that decides where a machine lives.
  virtual Status bind(Machine& machine, v1::VirtualMachineStatus status) = 0;

  virtual Result<scheduling::v1::ScheduleReply> schedule(const scheduling::v1::ScheduleRequest& request) = 0;

  /// The fence of the claim on the machine's uid, taken by the host of its node. ABORTED "claim.held": another node
  /// acts.
  virtual Result<uint64_t> acquire_claim(const Machine& machine) = 0;
  virtual Status release_claim(const Machine& machine, uint64_t fence) = 0;

  virtual Result<v1::GuestStatus> read_guest(const Machine& machine) = 0;
  virtual Result<v1::GuestStatus> start_guest(const Machine& machine, uint64_t fence) = 0;
  virtual Result<v1::GuestStatus> pause_guest(const Machine& machine, uint64_t fence) = 0;
  virtual Result<v1::GuestStatus> resume_guest(const Machine& machine, uint64_t fence) = 0;
  virtual Result<v1::GuestStatus> stop_guest(const Machine& machine, uint64_t fence) = 0;
  virtual Result<v1::GuestStatus> delete_guest(const Machine& machine, uint64_t fence) = 0;

  /// An event about the machine: "vm.running". Lost events are no error.
  virtual void publish(const Machine& machine, std::string_view subject) = 0;
};

/// The nodes that a machine of some driver could run on, with what is used there.
class Inventory {
 public:
  virtual ~Inventory() = default;
  /// What is used there by all but the machine `uid`.
  virtual std::vector<scheduling::v1::Candidate> candidates(std::string_view driver, std::string_view uid) = 0;
  /// Counts the machine as placed from now until a status of it is seen that is newer than this one.
  virtual void assume(const Machine& machine, std::string_view node) = 0;
};

}  // namespace novacron::compute::controller
