#include "host/daemon/live_config.h"

#include <nlohmann/json.hpp>

#include "host/daemon/config_report.h"

namespace novacron::host::daemon {

LiveConfig::LiveConfig(ConfigSources sources, LoadedConfig loaded)
    : sources_(std::move(sources)), in_effect_(std::move(loaded)), configured_(in_effect_.config) {}

Config LiveConfig::current() const {
  std::lock_guard lock(mutex_);
  return in_effect_.config;
}

Result<Reloaded> LiveConfig::reload(const Apply& apply) {
  std::lock_guard one(reloading_);
  auto reloaded = try_reload(apply);
  std::lock_guard lock(mutex_);
  refused_ = reloaded.ok() ? "" : reloaded.error().message;
  return reloaded;
}

Result<Reloaded> LiveConfig::try_reload(const Apply& apply) {
  LoadedConfig loaded = TRY(load_config(sources_));
  const Config before = current();
  Config next = before;
  Reloaded reloaded;
  reloaded.restart_required = take_live_settings(next, loaded.config);
  reloaded.changed = changed_settings(before, next);
  TRY_STATUS(apply(next));
  std::lock_guard lock(mutex_);
  configured_ = loaded.config;
  in_effect_ = std::move(loaded);
  in_effect_.config = std::move(next);
  return reloaded;
}

nlohmann::ordered_json LiveConfig::describe() const {
  std::lock_guard lock(mutex_);
  nlohmann::ordered_json out = {{"files", in_effect_.files},
                                {"restart_required", changed_settings(in_effect_.config, configured_)}};
  if (!refused_.empty()) out["refused"] = refused_;
  out["settings"] = describe_settings(in_effect_, configured_);
  return out;
}

}  // namespace novacron::host::daemon
