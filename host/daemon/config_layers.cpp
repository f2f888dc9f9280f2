#include "host/daemon/config_layers.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/base/toml.h"

namespace novacron::host::daemon {
namespace {

using nlohmann::json;

Error wanted(std::string what) {
  return {Code::kInvalidArgument, std::move(what), "config.invalid"};
}

/// What no setting takes is null: dates, times, numbers that are none.
json json_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* number = node.as_floating_point(); number && std::isfinite(number->get())) return number->get();
  if (const auto* flag = node.as_boolean()) return flag->get();
  if (const auto* items = node.as_array()) {
    json list = json::array();
    for (const auto& item : *items) list.push_back(json_of(item));
    return list;
  }
  if (const auto* table = node.as_table()) {
    json object = json::object();
    for (const auto& [key, value] : *table) object[std::string(key.str())] = json_of(value);
    return object;
  }
  return nullptr;
}

Result<toml::table> parse_toml(std::string_view text, std::string_view name) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return wanted(std::string(name) + ":" + std::to_string(error.source().begin.line) + ": " +
                  std::string(error.description()));
  }
}

std::string names_of(const SettingTable& table) {
  std::string names;
  for (const auto& [name, unused] : table) names += (names.empty() ? "" : ", ") + name;
  return names;
}

Error no_setting(const std::string& place, const std::string& path, const SettingTable& table) {
  return wanted(place + ": " + path + " is no setting; there are " + names_of(table));
}

/// Takes over one value from one place.
Status take(const Setting& setting, const std::string& path, const json& value, const std::string& place,
            Origins& origins) {
  const Status status = setting.set(value);
  if (!status.ok()) return wanted(place + ": " + path + " " + status.error().message);
  origins[path] = place;
  return {};
}

class TomlLayer {
 public:
  TomlLayer(std::string_view name, const SettingTables& tables, Origins& origins)
      : name_(name), tables_(tables), origins_(origins) {}

  Status apply(const toml::table& root) {
    for (const auto& [key, value] : root) {
      const auto table = tables_.find(key.str());
      if (table == tables_.end() || table->first.empty()) {
        TRY_STATUS(set(tables_.at(""), "", std::string(key.str()), value));
        continue;
      }
      if (!value.is_table())
        return wanted(place(value) + ": " + table->first + " must be a table: [" + table->first + "]");
      for (const auto& [inner, setting] : *value.as_table()) {
        TRY_STATUS(set(table->second, table->first, std::string(inner.str()), setting));
      }
    }
    return {};
  }

 private:
  Status set(const SettingTable& table, const std::string& table_name, const std::string& name,
             const toml::node& value) {
    const std::string path = setting_path(table_name, name);
    const auto setting = table.find(name);
    if (setting == table.end()) return no_setting(place(value), path, table);
    return take(setting->second, path, json_of(value), place(value), origins_);
  }
  std::string place(const toml::node& node) const {
    return std::string(name_) + ":" + std::to_string(node.source().begin.line);
  }

  const std::string_view name_;
  const SettingTables& tables_;
  Origins& origins_;
};

/// A value as it would stand in the file; null if it is none.
json value_of(const std::string& text) {
  const auto parsed = parse_toml("value = " + text, "");
  if (!parsed.ok() || parsed->size() != 1 || !parsed->contains("value")) return nullptr;
  return json_of(*parsed->get("value"));
}

std::map<std::string, std::string> paths_by_variable(const SettingTables& tables) {
  std::map<std::string, std::string> paths;
  for (const auto& [table_name, table] : tables) {
    for (const auto& [name, unused] : table) {
      const std::string path = setting_path(table_name, name);
      paths[variable_of(path)] = path;
    }
  }
  return paths;
}

Error no_variable(const std::string& variable, const std::map<std::string, std::string>& paths) {
  std::string names;
  for (const auto& [name, unused] : paths) names += (names.empty() ? "" : ", ") + name;
  return wanted(variable + " is the variable of no setting; there are " + names);
}

}  // namespace

Status apply_toml(std::string_view text, std::string_view name, const SettingTables& tables, Origins& origins) {
  const toml::table root = TRY(parse_toml(text, name));
  return TomlLayer(name, tables, origins).apply(root);
}

std::string variable_of(std::string_view path) {
  std::string name(kVariablePrefix);
  for (const char c : path) {
    if (c == '.')
      name += "__";
    else
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

Status apply_environment(const std::vector<std::string>& environment, const SettingTables& tables, Origins& origins) {
  const auto paths = paths_by_variable(tables);
  for (const std::string& variable : environment) {
    if (!variable.starts_with(kVariablePrefix)) continue;
    const size_t equals = std::min(variable.find('='), variable.size());
    const std::string name = variable.substr(0, equals);
    const std::string value = equals == variable.size() ? "" : variable.substr(equals + 1);
    const auto path = paths.find(name);
    if (path == paths.end()) return no_variable(name, paths);
    const Setting& setting = *find_setting(tables, path->second);
    TRY_STATUS(take(setting, path->second, setting.form == Setting::Form::kText ? json(value) : value_of(value), name,
                    origins));
  }
  return {};
}

Result<std::vector<std::string>> drop_ins_of(const std::string& file) {
  const std::string folder = file + ".d";
  std::vector<std::string> found;
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(folder, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.front() == '.' || !name.ends_with(".toml")) continue;
    found.push_back(entry->path().string());
    if (found.size() > kMaxDropIns) return wanted(folder + " has more than " + std::to_string(kMaxDropIns) + " files");
  }
  if (error && error != std::errc::no_such_file_or_directory) return wanted(folder + ": " + error.message());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace novacron::host::daemon
