// A library is anybody's bytes: reading what it says about itself must not fail on any of them.
#include <cstddef>
#include <cstdint>
#include <string>

#include "sdk/validate/elf_facts.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A copy that ends where the heap's guard begins.
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  (void)novacron::validate::read_elf(bytes);
  return 0;
}
