// What a shared library says about itself, read from its bytes without loading it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"

namespace novacron::host::plugin {

struct ElfFacts {
  std::vector<std::string> exports;  ///< defined symbols that others could bind to
  std::vector<std::string> needed;   ///< libraries that it wants loaded
  std::vector<std::string> search;   ///< where it wants them looked for, "$ORIGIN" not replaced
  bool is_go = false;                ///< brings Go's runtime
};

/// INVALID_ARGUMENT "plugin.library": not a shared library for this machine, or malformed. Never reads outside `bytes`.
Result<ElfFacts> read_elf(std::string_view bytes);

/// The first library, among what `facts` needs and what that needs in turn, that cannot be in this process beside the
/// host: the name, or "" for none. Those that are not found are the loader's to complain about.
std::string forbidden_dependency(const ElfFacts& facts, const std::filesystem::path& origin);

}  // namespace novacron::host::plugin
