// Libraries come from whoever made the package, and are read before anything of them runs.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/plugin/elf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto facts = novacron::host::plugin::read_elf({reinterpret_cast<const char*>(data), size});
  if (!facts.ok()) {
    if (facts.error().reason != "plugin.library") std::abort();
    return 0;
  }
  size_t bytes = 0;
  for (const auto* names : {&facts->exports, &facts->needed, &facts->search}) {
    for (const auto& name : *names) bytes += name.size();
  }
  // Names are read from the file: overlapping ones may repeat, but not without bound.
  if (bytes > size * (size + 1)) std::abort();
  return 0;
}
