#include "guest_state.h"

#include <libvirt/libvirt.h>

namespace novacron::kvm {
namespace {

using compute::v1::GuestStatus;
using State = GuestStatus::State;

void set_paused(int reason, GuestStatus& status) {
  status.state = State::kPaused;
  if (reason == VIR_DOMAIN_PAUSED_STARTING_UP) status.state = State::kStopped;  // nothing of it has run yet
  if (reason == VIR_DOMAIN_PAUSED_IOERROR) {
    status.reason = "compute.disk-error";
    status.message = "a disk cannot be read or written; the guest is paused until it is resumed";
  }
  if (reason == VIR_DOMAIN_PAUSED_CRASHED) status.state = State::kCrashed;
}

void set_shut_off(int reason, GuestStatus& status) {
  status.state = reason == VIR_DOMAIN_SHUTOFF_CRASHED ? State::kCrashed : State::kStopped;
}

}  // namespace

void set_state(int state, int reason, GuestStatus& status) {
  switch (state) {
    case VIR_DOMAIN_RUNNING:
    case VIR_DOMAIN_BLOCKED:
      status.state = State::kRunning;
      break;
    case VIR_DOMAIN_PAUSED:
      set_paused(reason, status);
      break;
    case VIR_DOMAIN_PMSUSPENDED:
      status.state = State::kPaused;
      break;
    case VIR_DOMAIN_SHUTDOWN:
      status.state = State::kStopping;
      break;
    case VIR_DOMAIN_CRASHED:
      status.state = State::kCrashed;
      break;
    default:
      set_shut_off(reason, status);
  }
  if (status.state == State::kCrashed) {
    status.reason = "compute.guest-crashed";
    status.message = "the guest's QEMU ended without a shutdown";
  }
}

bool is_active(State state) {
  return state == State::kRunning || state == State::kPaused || state == State::kStopping;
}

const char* event_of(State before, State after) {
  if (before == after) return "";
  const bool ran = is_active(before);
  switch (after) {
    case State::kAbsent:
      return "guest.deleted";
    case State::kCrashed:
      return "guest.crashed";
    case State::kStopped:
      return ran ? "guest.stopped" : "";
    case State::kRunning:
      return before == State::kPaused ? "guest.resumed" : ran ? "" : "guest.started";
    case State::kPaused:
      return "guest.paused";
    default:
      return "";
  }
}

}  // namespace novacron::kvm
