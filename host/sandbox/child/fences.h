// The single fences of a sandbox.
#pragma once

#include <string>
#include <vector>

#include "host/sandbox/isolation.h"

namespace novacron::host::sandbox {

constexpr const char* kLibraryFolder = "/plugin";
constexpr const char* kTmpFolder = "/tmp";

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

/// Landlock: the paths, each with what may be done there, and no TCP unless granted. False, with errno: not had.
bool fence_files(const Isolation& wanted, const std::vector<Exposed>& exposed);

/// Seccomp: the calls that a plugin needs; others fail with EPERM. Likewise.
bool fence_calls(const Isolation& wanted);

}  // namespace novacron::host::sandbox
