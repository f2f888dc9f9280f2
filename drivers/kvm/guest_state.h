// libvirt's states in the contract's words.
#pragma once

#include "novacron/compute/v1/compute.nc.h"

namespace novacron::kvm {

/// `state` and `reason` as virDomainGetState() gives them. Sets state, reason and message.
void set_state(int state, int reason, compute::v1::GuestStatus& status);

/// It has a process.
bool is_active(compute::v1::GuestStatus::State state);

/// "guest.started", "guest.stopped", "guest.crashed", "guest.paused", "guest.resumed", "guest.deleted"; empty when a
/// change is no event.
const char* event_of(compute::v1::GuestStatus::State before, compute::v1::GuestStatus::State after);

}  // namespace novacron::kvm
