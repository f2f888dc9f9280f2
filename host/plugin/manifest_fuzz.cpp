// Manifests come from whoever made the package.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/plugin/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto manifest = novacron::host::plugin::parse_manifest(text);
  if (!manifest.ok()) {
    if (manifest.error().reason.empty() || manifest.error().message.empty()) std::abort();
    return 0;
  }
  // An id becomes a folder's name.
  if (manifest->id.empty() || manifest->id.find('/') != std::string::npos) std::abort();
  if (manifest->library.find('/') != std::string::npos) std::abort();
  return 0;
}
