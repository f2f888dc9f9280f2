#include "machine_reconciler.h"

#include <algorithm>

#include "node_inventory.h"

namespace novacron::compute::controller {
namespace {

using Phase = v1::VirtualMachineStatus_Phase;
using GuestState = v1::GuestStatus_State;

v1::PowerState wanted_power(const Machine& machine) {
  return machine.spec.power.value_or(v1::PowerState::kRunning);
}

bool has_finalizer(const Machine& machine) {
  const auto& finalizers = machine.metadata.finalizers;
  return std::find(finalizers.begin(), finalizers.end(), kFinalizer) != finalizers.end();
}

bool is_up(const v1::GuestStatus& guest) {
  return guest.state == GuestState::kRunning || guest.state == GuestState::kPaused;
}

/// The status as it stands, in a new phase, without the words of the last failure.
v1::VirtualMachineStatus in_phase(const Machine& machine, Phase phase) {
  v1::VirtualMachineStatus status = machine.status;
  status.phase = phase;
  status.reason.clear();
  status.message.clear();
  status.observed_generation = machine.metadata.generation;
  return status;
}

/// "vm.running": the subject of the event that tells of a phase.
std::string_view subject_of(Phase phase) {
  switch (phase) {
    case Phase::kPending:
      return "vm.pending";
    case Phase::kStarting:
      return "vm.starting";
    case Phase::kRunning:
      return "vm.running";
    case Phase::kPaused:
      return "vm.paused";
    case Phase::kStopping:
      return "vm.stopping";
    case Phase::kStopped:
      return "vm.stopped";
    case Phase::kFailed:
      return "vm.failed";
    case Phase::kDeleting:
      return "vm.deleting";
    default:
      return "vm.changed";
  }
}

/// Nobody could tell or do anything just now; trying again may help, and the machine itself is not at fault.
bool is_passing(const Error& error) {
  return error.code == Code::kUnavailable || error.code == Code::kDeadlineExceeded || error.code == Code::kAborted ||
         error.code == Code::kCancelled;
}

}  // namespace

scheduling::v1::ScheduleRequest request_to_place(const Machine& machine) {
  scheduling::v1::ScheduleRequest request;
  request.uid = machine.metadata.uid;
  request.demand = demand_of(machine.spec);
  if (machine.spec.placement) {
    request.node = machine.spec.placement->node;
    request.node_labels = machine.spec.placement->node_labels;
  }
  return request;
}

std::string why_nowhere(const scheduling::v1::ScheduleReply& reply) {
  if (reply.left_out.empty()) return "no node offers this driver: enable it on one";
  std::string text = "no node has room";
  for (size_t i = 0; i < std::min(reply.left_out.size(), kMaxReasonsShown); ++i) {
    text += (i == 0 ? ": " : "; ") + reply.left_out[i].node + ' ' + reply.left_out[i].message;
  }
  if (reply.left_out.size() > kMaxReasonsShown) {
    text += "; and " + std::to_string(reply.left_out.size() - kMaxReasonsShown) + " more nodes";
  }
  return text;
}

Result<std::optional<uint64_t>> MachineReconciler::reconcile(Machine machine) {
  if (machine.metadata.deleted_at) return remove(machine);
  // The finalizer comes before anything that would have to be undone.
  if (!has_finalizer(machine)) NC_TRY_STATUS(world_.add_finalizer(machine));
  if (!machine.status.node.empty()) return converge(machine);
  if (wanted_power(machine) != v1::PowerState::kStopped) return place(machine);
  NC_TRY_STATUS(write_phase(machine, in_phase(machine, Phase::kStopped)));
  return std::optional<uint64_t>{};
}

Result<std::optional<uint64_t>> MachineReconciler::remove(Machine& machine) {
  if (!has_finalizer(machine)) return std::optional<uint64_t>{};
  if (!machine.status.node.empty()) {
    NC_TRY_STATUS(write_phase(machine, in_phase(machine, Phase::kDeleting)));
    const auto fence = world_.acquire_claim(machine);
    if (!fence.ok()) return failed(machine, fence.error());
    const auto guest = world_.delete_guest(machine, *fence);
    if (!guest.ok()) return failed(machine, guest.error());
    NC_TRY_STATUS(world_.release_claim(machine, *fence));
  }
  NC_TRY_STATUS(world_.remove_finalizer(machine));
  world_.publish(machine, "vm.deleted");
  return std::optional<uint64_t>{};
}

Result<std::optional<uint64_t>> MachineReconciler::place(Machine& machine) {
  const auto reply = choose(machine);
  if (!reply.ok()) return failed(machine, reply.error());
  if (reply->ranked.empty()) return wait_for_room(machine, *reply);
  v1::VirtualMachineStatus status = in_phase(machine, Phase::kStarting);
  status.node = reply->ranked.front().node;
  NC_TRY_STATUS(world_.bind(machine, status));
  world_.publish(machine, "vm.placed");
  return converge(machine);
}

/// One at a time, and the choice counts at once: each sees the one before, whose status may still be on its way.
Result<scheduling::v1::ScheduleReply> MachineReconciler::choose(const Machine& machine) {
  std::lock_guard one_at_a_time(placing_);
  auto request = request_to_place(machine);
  request.candidates = inventory_.candidates(machine.spec.driver, machine.metadata.uid);
  auto reply = world_.schedule(request);
  if (reply.ok() && !reply->ranked.empty()) inventory_.assume(machine, reply->ranked.front().node);
  return reply;
}

Result<std::optional<uint64_t>> MachineReconciler::wait_for_room(Machine& machine,
                                                                 const scheduling::v1::ScheduleReply& reply) {
  v1::VirtualMachineStatus status = in_phase(machine, Phase::kPending);
  status.reason = "compute.no-capacity";
  status.message = why_nowhere(reply);
  NC_TRY_STATUS(write_phase(machine, status));
  return std::optional(kRetryPendingNs);
}

Result<std::optional<uint64_t>> MachineReconciler::converge(Machine& machine) {
  const auto guest = world_.read_guest(machine);
  if (!guest.ok()) return failed(machine, guest.error());
  return act(machine, *guest);
}

Result<std::optional<uint64_t>> MachineReconciler::act(Machine& machine, const v1::GuestStatus& guest) {
  const v1::PowerState wanted = wanted_power(machine);
  if (wanted == v1::PowerState::kStopped) {
    if (!is_up(guest) && guest.state != GuestState::kStopping) return settle(machine, guest);
    NC_TRY_STATUS(write_phase(machine, in_phase(machine, Phase::kStopping)));
    const auto fence = world_.acquire_claim(machine);
    if (!fence.ok()) return failed(machine, fence.error());
    const auto stopped = world_.stop_guest(machine, *fence);
    return stopped.ok() ? settle(machine, *stopped) : Outcome(failed(machine, stopped.error()));
  }
  if (!is_up(guest)) return start(machine);
  if (wanted == v1::PowerState::kRunning && guest.state == GuestState::kRunning) return settle(machine, guest);
  if (wanted == v1::PowerState::kPaused && guest.state == GuestState::kPaused) return settle(machine, guest);
  const auto fence = world_.acquire_claim(machine);
  if (!fence.ok()) return failed(machine, fence.error());
  const auto turned =
      wanted == v1::PowerState::kPaused ? world_.pause_guest(machine, *fence) : world_.resume_guest(machine, *fence);
  return turned.ok() ? settle(machine, *turned) : Outcome(failed(machine, turned.error()));
}

Result<std::optional<uint64_t>> MachineReconciler::start(Machine& machine) {
  // A machine that failed before keeps its words until the new attempt has ended.
  if (machine.status.phase != Phase::kFailed) {
    NC_TRY_STATUS(write_phase(machine, in_phase(machine, Phase::kStarting)));
  }
  const auto fence = world_.acquire_claim(machine);
  if (!fence.ok()) return failed(machine, fence.error());
  auto guest = world_.start_guest(machine, *fence);
  if (guest.ok() && wanted_power(machine) == v1::PowerState::kPaused) guest = world_.pause_guest(machine, *fence);
  return guest.ok() ? settle(machine, *guest) : Outcome(failed(machine, guest.error()));
}

Result<std::optional<uint64_t>> MachineReconciler::settle(Machine& machine, const v1::GuestStatus& guest) {
  Phase phase = Phase::kStopped;
  if (guest.state == GuestState::kRunning) phase = Phase::kRunning;
  if (guest.state == GuestState::kPaused) phase = Phase::kPaused;
  if (guest.state == GuestState::kStopping) phase = Phase::kStopping;
  v1::VirtualMachineStatus status = in_phase(machine, phase);
  if (!guest.accelerator.empty()) status.accelerator = guest.accelerator;
  status.started_at = is_up(guest) ? guest.started_at : std::nullopt;
  if (guest.claim_fence != 0) status.claim_fence = guest.claim_fence;
  NC_TRY_STATUS(write_phase(machine, status));
  return std::optional<uint64_t>{};
}

Error MachineReconciler::failed(Machine& machine, const Error& why) {
  v1::VirtualMachineStatus status = machine.status;
  // What is only out of reach may well be running: the phase stays as it was last seen.
  if (!is_passing(why) && !machine.metadata.deleted_at) status.phase = Phase::kFailed;
  if (status.phase == Phase::kUnspecified) status.phase = Phase::kPending;
  status.reason = why.reason.empty() ? std::string(to_string(why.code)) : why.reason;
  status.message = why.message;
  status.observed_generation = machine.metadata.generation;
  const Status written = write_phase(machine, status);
  return written.ok() ? why : written.error();
}

Status MachineReconciler::write_phase(Machine& machine, v1::VirtualMachineStatus status) {
  if (status == machine.status) return {};
  const Phase before = machine.status.phase;
  NC_TRY_STATUS(world_.write_status(machine, std::move(status)));
  if (machine.status.phase != before) world_.publish(machine, subject_of(machine.status.phase));
  return {};
}

}  // namespace novacron::compute::controller
