// Settings from anybody: refused with a place in the file, or within their limits. No message tells a secret.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/daemon/config.h"

using namespace novacron::host;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = daemon::parse_config(text, "f.toml");
  if (!config.ok()) {
    require(config.error().reason == "config.invalid" && config.error().message.starts_with("f.toml:"));
    return 0;
  }
  require(config->traces.ratio >= 0 && config->traces.ratio <= 1);
  require(config->api.max_connections >= 1);
  require(!config->data_folder.empty() && config->data_folder.front() == '/');
  for (const auto& [name, value] : config->traces.headers) require(value.find_first_of("\r\n") == std::string::npos);
  return 0;
}
