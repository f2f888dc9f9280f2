// What a shared library says about itself, read from its bytes without loading it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "novacron/result.h"

namespace novacron::validate {

struct ElfFacts {
  std::vector<std::string> exports;  ///< defined symbols that others could bind to
  std::vector<std::string> needed;   ///< libraries that it wants loaded
  bool has_relro = false;            ///< a segment that is read-only after relocation
  bool binds_now = false;            ///< no lazy binding
  bool is_never_unloaded = false;    ///< -z nodelete
  bool has_text_relocations = false;
  bool has_executable_stack = false;
  bool has_unwind_table = false;  ///< .eh_frame_hdr
  bool is_go = false;
};

/// INVALID_ARGUMENT: no shared library for 64 bit, little endian. Never reads outside `bytes`.
Result<ElfFacts> read_elf(std::string_view bytes);

}  // namespace novacron::validate
