// Headers of images come from users.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "qcow2.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kBackingFileAt = 8, kBackingFileBytes = 12;
  const std::string_view head(reinterpret_cast<const char*>(data), size);
  const auto header = novacron::kvm::check_qcow2(head, size);
  if (!header.ok()) return 0;
  // What has passed refers to nothing outside itself.
  for (const char byte : head.substr(kBackingFileAt, kBackingFileBytes)) {
    if (byte != 0) std::abort();
  }
  return 0;
}
