// Brings one machine one stretch closer to its spec. Level-triggered: it looks at what is, never at what happened, so
// it may be called at any time, again, and by a new process after any crash.
#pragma once

#include <mutex>
#include <optional>
#include <string_view>

#include "world.h"

namespace novacron::compute::controller {

inline constexpr uint64_t kRetryPendingNs = 10'000'000'000;  ///< for a machine that no node has room for
inline constexpr size_t kMaxReasonsShown = 5;                ///< nodes that the status of a pending machine names

/// What the scheduler is asked, without the candidates.
scheduling::v1::ScheduleRequest request_to_place(const Machine& machine);
/// For people: why no node was found.
std::string why_nowhere(const scheduling::v1::ScheduleReply& reply);

class MachineReconciler {
 public:
  MachineReconciler(World& world, Inventory& inventory) : world_(world), inventory_(inventory) {}

  /// Nothing: done until the machine or its guest changes. A value: look again after so many nanoseconds. An error: try
  /// again with backoff; what people need to know of it is in the status by then. [worker], one at a time for a
  /// machine.
  Result<std::optional<uint64_t>> reconcile(Machine machine);

 private:
  using Outcome = Result<std::optional<uint64_t>>;

  Outcome remove(Machine& machine);
  Outcome place(Machine& machine);
  Result<scheduling::v1::ScheduleReply> choose(const Machine& machine);
  Outcome wait_for_room(Machine& machine, const scheduling::v1::ScheduleReply& reply);
  Outcome converge(Machine& machine);
  Outcome act(Machine& machine, const v1::GuestStatus& guest);
  Outcome start(Machine& machine);
  Outcome settle(Machine& machine, const v1::GuestStatus& guest);
  /// Writes the failure into the status, and gives it back for the backoff.
  Error failed(Machine& machine, const Error& why);
  Status write_phase(Machine& machine, v1::VirtualMachineStatus status);

  World& world_;
  Inventory& inventory_;
  std::mutex placing_;
};

}  // namespace novacron::compute::controller
