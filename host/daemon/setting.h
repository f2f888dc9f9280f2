// One setting: where its value is kept, what may stand there, and how it is shown.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "host/base/log.h"
#include "host/base/result.h"

namespace novacron::host::daemon {

struct Setting {
  enum class Form {
    kText,   ///< an environment variable is taken as it is
    kOther,  ///< an environment variable is a value as in the file: 4000, true, ["a", "b"]
  };
  enum class Sight { kOpen, kSecret };

  /// INVALID_ARGUMENT "config.invalid" says what may stand there: "must be true or false".
  std::function<Status(const nlohmann::json& value)> set;
  std::function<nlohmann::json()> get;
  Form form = Form::kOther;
  Sight sight = Sight::kOpen;  ///< kSecret: what is shown of it is only that it is there
};

/// Each keeps its value in `place`, which outlives the setting.
Setting text(std::string& place);
Setting flag(bool& place);
Setting number(uint64_t& place, uint64_t least, uint64_t most);
Setting texts(std::vector<std::string>& place);
Setting ratio(double& place);
/// A URL; "" is none.
Setting trace_endpoint(std::string& place);
/// { name = "value" }, of HTTP. No message tells a value.
Setting trace_headers(std::vector<std::pair<std::string, std::string>>& place);
Setting log_level(LogLevel& place);
Setting log_format(LogFormat& place);
/// { subject = "level" }
Setting log_levels(std::map<std::string, LogLevel, std::less<>>& place);
/// The same, but never shown.
Setting secret(Setting setting);
/// What may be seen of it: of a secret only whether it is there, of a table of secrets their names too.
nlohmann::json shown(const Setting& setting);

/// Settings by name, tables of them by name; those outside any table are in "".
using SettingTable = std::map<std::string, Setting, std::less<>>;
using SettingTables = std::map<std::string, SettingTable, std::less<>>;

/// "api.listen", "data_folder"
std::string setting_path(const std::string& table, const std::string& name);
/// Null: there is none.
const Setting* find_setting(const SettingTables& tables, std::string_view path);

}  // namespace novacron::host::daemon
