// YAML and JSON of any kind: within its bounds, and what was read is written so that it reads the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "host/cli/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace novacron::host::cli;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const YamlLimits limits{.bytes = 1 << 16, .depth = 32, .values = 5'000, .documents = 100};
  const auto documents = parse_yaml(text, limits);
  if (!documents.ok()) return 0;
  for (const auto& document : *documents) {
    const auto again = parse_yaml(to_yaml(document));
    if (!again.ok() || again->size() != 1 || (*again)[0] != document) std::abort();
  }
  return 0;
}
