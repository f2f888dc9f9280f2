// What is to be said about settings besides their values: what each is for, whether it can change while the host runs,
// how a configuration is shown, and what makes two of them different.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "host/daemon/config.h"

namespace novacron::host::daemon {

struct SettingFacts {
  std::string_view path;
  bool is_live = false;  ///< it can change while the host runs
  std::string_view summary = {};
};
/// Of a setting that is not in the table: no summary, and only a restart changes it.
SettingFacts facts_of(std::string_view path);

/// As a file that has the same effect, each line with where its value is from. Secrets are masked.
std::string config_as_toml(const LoadedConfig& loaded);
/// A list of {"name", "value", "origin", "live", "summary"}, secrets masked; where another value than that in effect is
/// configured and waits for a restart, that one is in "configured".
nlohmann::ordered_json describe_settings(const LoadedConfig& in_effect, const Config& configured);

/// Paths of settings.
std::vector<std::string> changed_settings(const Config& before, const Config& after);
/// Gives `running` what of `wanted` can change at run time. Returns the paths of what remains different.
std::vector<std::string> take_live_settings(Config& running, const Config& wanted);

}  // namespace novacron::host::daemon
