#include <cstdint>
#include <cstdlib>

#include "host/daemon/cluster_config.h"
#include "host/daemon/config.h"
#include "host/daemon/config_report.h"

using namespace novacron::host::daemon;

/// A file, and the same bytes as the value of every variable. What is valid is shown as a file that means the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  auto config = parse_config(text, "fuzz.toml");
  if (config.ok()) {
    (void)peers_of(*config);
    config->traces.headers.clear();  // secrets, which are not shown
    const LoadedConfig loaded{*config, {}, {}, "fuzz"};
    const auto again = parse_config(config_as_toml(loaded), "again.toml");
    if (!again.ok() || !changed_settings(*config, *again).empty()) std::abort();
  }
  for (const char* path :
       {"api.listen", "api.max_connections", "plugins.allow_inline", "log.levels", "node_name", "state.peers"}) {
    (void)load_config({.file = "", .environment = {variable_of(path) + "=" + text}});
  }
  return 0;
}
