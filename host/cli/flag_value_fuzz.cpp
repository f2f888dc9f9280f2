// The grammar of flag values: never beyond its bounds, and what was read is written so that it reads the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/cli/flag_value.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace novacron::host::cli;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto pairs = parse_pairs(text);
  if (!pairs.ok()) return 0;
  const std::string written = format_pairs(*pairs);
  if (written.size() > kMaxFlagValueBytes) return 0;
  const auto again = parse_pairs(written);
  if (!again.ok() || *again != *pairs) std::abort();
  return 0;
}
