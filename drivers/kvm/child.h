// Runs a helper program, such as qemu-img, with limits on its time and memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "novacron/result.h"

namespace novacron::kvm {

struct ChildLimits {
  uint64_t timeout_ms = 60'000;        ///< then it is killed
  uint64_t cpu_s = 30;                 ///< of processor time
  uint64_t memory_bytes = 2ull << 30;  ///< of address space
};

struct ChildResult {
  int exit_status = 0;  ///< as a shell has it: 128 + signal when a signal ended it
  std::string output;   ///< the last bytes of its standard output and error together
};

/// Blocks until it ended. `command[0]` is an absolute path. It gets no descriptor of this process but /dev/null and the
/// pipe of its output, no environment, and no core file. DEADLINE_EXCEEDED when it was killed for its time.
Result<ChildResult> run_child(const std::vector<std::string>& command, const ChildLimits& limits = {});

/// The same; a status other than 0 is an error with the output in its message.
Status run_child_to_success(const std::vector<std::string>& command, const ChildLimits& limits = {});

}  // namespace novacron::kvm
