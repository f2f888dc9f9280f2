#include "host/daemon/setting.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/trace/endpoint.h"

namespace novacron::host::daemon {
namespace {

using nlohmann::json;

Error wanted(std::string what) {
  return {Code::kInvalidArgument, std::move(what), "config.invalid"};
}

/// A setting whose values have names.
template <class T>
Setting choice(T& place, std::vector<std::pair<std::string, T>> choices) {
  Setting setting;
  setting.form = Setting::Form::kText;
  setting.set = [&place, choices](const json& value) -> Status {
    std::string names;
    for (const auto& [name, meaning] : choices) {
      if (value == name) {
        place = meaning;
        return {};
      }
      names += (names.empty() ? "\"" : ", \"") + name + '"';
    }
    return wanted("must be one of " + names);
  };
  setting.get = [&place, choices] {
    const auto found = std::find_if(choices.begin(), choices.end(), [&](const auto& c) { return c.second == place; });
    return found == choices.end() ? json() : json(found->first);
  };
  return setting;
}

}  // namespace

Setting text(std::string& place) {
  Setting setting;
  setting.form = Setting::Form::kText;
  setting.set = [&place](const json& value) -> Status {
    if (!value.is_string()) return wanted("must be text in quotes");
    place = value.get<std::string>();
    return {};
  };
  setting.get = [&place] { return json(place); };
  return setting;
}

Setting flag(bool& place) {
  Setting setting;
  setting.set = [&place](const json& value) -> Status {
    if (!value.is_boolean()) return wanted("must be true or false");
    place = value.get<bool>();
    return {};
  };
  setting.get = [&place] { return json(place); };
  return setting;
}

Setting number(uint64_t& place, uint64_t least, uint64_t most) {
  Setting setting;
  setting.set = [&place, least, most](const json& value) -> Status {
    const bool is_whole = value.is_number_integer() && (value.is_number_unsigned() || value.get<int64_t>() >= 0);
    if (!is_whole || value.get<uint64_t>() < least || value.get<uint64_t>() > most) {
      return wanted("must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    }
    place = value.get<uint64_t>();
    return {};
  };
  setting.get = [&place] { return json(place); };
  return setting;
}

Setting texts(std::vector<std::string>& place) {
  Setting setting;
  setting.set = [&place](const json& value) -> Status {
    const auto is_text = [](const json& item) { return item.is_string(); };
    if (!value.is_array() || !std::all_of(value.begin(), value.end(), is_text))
      return wanted("must be a list of texts: [\"…\"]");
    place = value.get<std::vector<std::string>>();
    return {};
  };
  setting.get = [&place] { return json(place); };
  return setting;
}

Setting ratio(double& place) {
  Setting setting;
  setting.set = [&place](const json& value) -> Status {
    const double number = value.is_number() ? value.get<double>() : -1;
    if (!(number >= 0 && number <= 1)) return wanted("must be a number from 0 to 1");
    place = number;
    return {};
  };
  setting.get = [&place] { return json(place); };
  return setting;
}

Setting trace_endpoint(std::string& place) {
  Setting setting = text(place);
  setting.set = [&place](const json& value) -> Status {
    if (!value.is_string()) return wanted("must be text in quotes");
    const auto& url = value.get_ref<const std::string&>();
    if (!url.empty() && !trace::parse_endpoint(url).ok())
      return wanted("must be a URL: \"https://HOST[:PORT][/PATH]\"");
    place = url;
    return {};
  };
  return setting;
}

Setting trace_headers(std::vector<std::pair<std::string, std::string>>& place) {
  Setting setting;
  setting.set = [&place](const json& value) -> Status {
    if (!value.is_object()) return wanted("must be a table: { name = \"value\" }");
    std::vector<std::pair<std::string, std::string>> headers;
    for (const auto& [name, item] : value.items()) {
      if (!item.is_string()) return wanted("must have texts in quotes as values");
      const Status fits = trace::check_header(name, item.get_ref<const std::string&>());
      if (!fits.ok()) return wanted("must be headers of HTTP: " + fits.error().message);
      headers.emplace_back(name, item.get<std::string>());
    }
    place = std::move(headers);
    return {};
  };
  setting.get = [&place] {
    json headers = json::object();
    for (const auto& [name, value] : place) headers[name] = value;
    return headers;
  };
  return setting;
}

Setting log_level(LogLevel& place) {
  return choice<LogLevel>(
      place,
      {{"debug", LogLevel::kDebug}, {"error", LogLevel::kError}, {"info", LogLevel::kInfo}, {"warn", LogLevel::kWarn}});
}

Setting log_format(LogFormat& place) {
  return choice<LogFormat>(place, {{"json", LogFormat::kJson}, {"text", LogFormat::kText}});
}

Setting log_levels(std::map<std::string, LogLevel, std::less<>>& place) {
  Setting setting;
  setting.set = [&place](const json& value) -> Status {
    const Error wrong = wanted("must be levels by subject: {api = \"warn\", plugin = \"debug\"}, at most " +
                               std::to_string(kMaxLogSubjects));
    if (!value.is_object() || value.size() > kMaxLogSubjects) return wrong;
    std::map<std::string, LogLevel, std::less<>> levels;
    for (const auto& [subject, name] : value.items()) {
      const auto level = name.is_string() ? log_level_named(name.get_ref<const std::string&>()) : std::nullopt;
      if (!is_log_subject(subject) || !level) return wrong;
      levels[subject] = *level;
    }
    place = std::move(levels);
    return {};
  };
  setting.get = [&place] {
    json levels = json::object();
    for (const auto& [subject, level] : place) levels[subject] = to_string(level);
    return levels;
  };
  return setting;
}

Setting secret(Setting setting) {
  setting.sight = Setting::Sight::kSecret;
  return setting;
}

json shown(const Setting& setting) {
  json value = setting.get();
  if (setting.sight == Setting::Sight::kOpen || value.empty() || value == "") return value;
  if (!value.is_object()) return "***";
  for (json& item : value) item = "***";  // names are no secrets
  return value;
}

std::string setting_path(const std::string& table, const std::string& name) {
  return table.empty() ? name : table + "." + name;
}

const Setting* find_setting(const SettingTables& tables, std::string_view path) {
  const size_t dot = path.find('.');
  const auto table = tables.find(dot == std::string_view::npos ? "" : path.substr(0, dot));
  if (table == tables.end()) return nullptr;
  const auto setting = table->second.find(dot == std::string_view::npos ? path : path.substr(dot + 1));
  return setting == table->second.end() ? nullptr : &setting->second;
}

}  // namespace novacron::host::daemon
