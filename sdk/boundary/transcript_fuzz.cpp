// A line of a transcript is anybody's text; what is a record comes back as it was.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sdk/boundary/transcript.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace novacron::boundary;
  const auto record = parse_record(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!record) return 0;
  const std::string line = to_line(*record);
  const auto again = parse_record(line);
  if (!again || to_line(*again) != line) std::abort();
  return 0;
}
