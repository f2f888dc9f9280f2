// The single fences of a sandbox.
#pragma once

#include <string>
#include <vector>

#include "host/base/fd.h"
#include "host/sandbox/isolation.h"

namespace novacron::host::sandbox {

constexpr const char* kLibraryFolder = "/plugin";
constexpr const char* kTmpFolder = "/tmp";
/// Written for it, with Network::kReach.
constexpr const char* kHostsFile = "/etc/hosts";
constexpr const char* kNamesFile = "/etc/nsswitch.conf";

/// A path of the machine that is there inside too.
struct Exposed {
  std::string path;
  bool writable = false;
  bool device = false;
  bool folder = false;
  std::string inside = {};  ///< what it is called there; empty: the same

  const std::string& target() const { return inside.empty() ? path : inside; }
};

/// What every plugin sees (libraries, certificates, a few devices) and what this one was granted. NOT_FOUND
/// "sandbox.path" when that is not there.
Result<std::vector<Exposed>> exposed_paths(const Isolation& wanted);

/// A root of its own with those paths, a folder of its own for temporary files, and the library; all else is gone.
Status enter_own_root(const Isolation& wanted, const std::vector<Exposed>& exposed, int library);

/// Whether Landlock knows of TCP here.
bool can_fence_tcp();

/// Landlock: the paths, each with what may be done there, and no TCP unless all is granted. False, with errno: not had.
bool fence_files(const Isolation& wanted, const std::vector<Exposed>& exposed);

/// Seccomp: the calls that a plugin needs; others fail with EPERM. Likewise. With Network::kReach the gatekeeper
/// listens at `listener` to those that make a socket or a connection: to whoever has that, the filter is no fence.
bool fence_calls(const Isolation& wanted, Fd& listener);

}  // namespace novacron::host::sandbox
