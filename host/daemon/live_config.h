// The settings of a host that runs: those in effect, and how they are read again.
#pragma once

#include <functional>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/daemon/config.h"

namespace novacron::host::daemon {

struct Reloaded {
  std::vector<std::string> changed;           ///< settings with another value in effect now
  std::vector<std::string> restart_required;  ///< settings whose new value waits for a restart
};

/// [any] thread.
class LiveConfig final {
 public:
  LiveConfig(ConfigSources sources, LoadedConfig loaded);

  Config current() const;

  /// Reads all layers again. What can change at run time is handed to `apply`, whole; when that refuses, or a layer is
  /// wrong, nothing has changed. One at a time. INVALID_ARGUMENT "config.invalid" names the place.
  using Apply = std::function<Status(const Config& next)>;
  Result<Reloaded> reload(const Apply& apply);

  /// {"files", "restart_required", "refused" (why the last reload changed nothing), "settings"}
  nlohmann::ordered_json describe() const;

 private:
  Result<Reloaded> try_reload(const Apply& apply);

  const ConfigSources sources_;
  std::mutex reloading_;
  mutable std::mutex mutex_;
  LoadedConfig in_effect_;
  Config configured_;  ///< what the layers say; differs from what is in effect where a restart is needed
  std::string refused_;
};

}  // namespace novacron::host::daemon
