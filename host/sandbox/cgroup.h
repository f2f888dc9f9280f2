// Limits that the kernel keeps for a process and all that it makes: memory, CPU, threads. Version 1 or 2, whichever the
// machine has its controllers in.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/base/result.h"

namespace novacron::host::sandbox {

struct CgroupLimits {
  uint64_t memory_bytes = 0;
  uint32_t threads = 0;
  uint32_t cpu_percent = 0;  ///< of one CPU; 0: no limit
};

/// The folders of this process's own groups, below which others are made.
struct CgroupRoots {
  bool unified = false;  ///< version 2, where the three are one
  std::string memory;
  std::string pids;
  std::string cpu;
};

/// Nothing: there are none that this process may use. `mount`: /sys/fs/cgroup; `self`: what /proc/self/cgroup says.
std::optional<CgroupRoots> find_cgroups(const std::string& mount, const std::string& self);
/// Those of this machine.
std::optional<CgroupRoots> find_cgroups();

/// [worker] One group, gone with this object.
class Cgroup final {
 public:
  /// The error names the file that could not be written.
  static Result<std::unique_ptr<Cgroup>> make(const CgroupRoots& roots, const std::string& name,
                                              const CgroupLimits& limits);
  ~Cgroup();
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;
  Status add(pid_t process) const;

 private:
  Cgroup() = default;
  std::vector<std::string> folders_;
};

}  // namespace novacron::host::sandbox
