// Whether a processor of a guest really runs in hardware here.
#pragma once

#include <string>

#include "folder.h"

namespace novacron::kvm {

struct Acceleration {
  std::string name;  ///< "kvm" or "tcg"
  std::string why;   ///< for the log: what decided it
};

/// Starts the emulator with KVM on a firmware of nine bytes that says it ran, within seconds: /dev/kvm can be opened,
/// and libvirt believes in it, also where only a software stand-in is behind it that no stock kernel boots on. The
/// processor must offer virtualization, too: such a stand-in can pass short programs.
Acceleration probe_acceleration(const Folder& folder, const std::string& emulator);

/// Whether /proc/cpuinfo's text has a processor with VMX or SVM.
bool has_virtualization(std::string_view cpuinfo);

}  // namespace novacron::kvm
