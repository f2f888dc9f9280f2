// Where settings come from, each layer over the one before: the defaults, the file, its folder of drop-ins, environment
// variables. Every value remembers its place, and every error names one.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/daemon/setting.h"

namespace novacron::host::daemon {

inline constexpr size_t kMaxConfigBytes = 1024 * 1024;  ///< of a file
inline constexpr size_t kMaxDropIns = 64;
inline constexpr std::string_view kVariablePrefix = "NOVACROND__";

/// By path of a setting: "/etc/novacron/novacrond.toml:3", "NOVACROND__API__LISTEN". Defaults are not in it.
using Origins = std::map<std::string, std::string, std::less<>>;

/// INVALID_ARGUMENT "config.invalid" names file, line and what to write instead. `name` is for messages.
Status apply_toml(std::string_view text, std::string_view name, const SettingTables& tables, Origins& origins);

/// `environment` is of "NAME=value"; those that do not start with kVariablePrefix are left alone, and an unknown one
/// that does is an error. api.listen is NOVACROND__API__LISTEN.
Status apply_environment(const std::vector<std::string>& environment, const SettingTables& tables, Origins& origins);
std::string variable_of(std::string_view path);

/// <file>.d/*.toml, sorted by name. A folder that is not there is empty.
Result<std::vector<std::string>> drop_ins_of(const std::string& file);

}  // namespace novacron::host::daemon
