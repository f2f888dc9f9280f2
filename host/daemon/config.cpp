#include "host/daemon/config.h"

#include <unistd.h>

#include <array>
#include <climits>
#include <functional>
#include <map>

#include "host/base/file.h"
#include "host/trace/endpoint.h"

#include <toml++/toml.h>

namespace novacron::host::daemon {
namespace {

/// What may stand in one table of the file: reads a value into its place, or says what is wanted.
using Setter = std::function<Status(const toml::node& value)>;
using Table = std::map<std::string, Setter, std::less<>>;

Error wanted(std::string_view what) {
  return {Code::kInvalidArgument, std::string(what), "config.invalid"};
}

Setter text(std::string& place) {
  return [&place](const toml::node& value) -> Status {
    const auto found = value.value_exact<std::string>();
    if (!found) return wanted("must be text in quotes");
    place = *found;
    return {};
  };
}

Setter flag(bool& place) {
  return [&place](const toml::node& value) -> Status {
    const auto found = value.value_exact<bool>();
    if (!found) return wanted("must be true or false");
    place = *found;
    return {};
  };
}

Setter number(uint64_t& place, uint64_t least, uint64_t most) {
  return [&place, least, most](const toml::node& value) -> Status {
    const auto found = value.value_exact<int64_t>();
    if (!found || *found < 0 || static_cast<uint64_t>(*found) < least || static_cast<uint64_t>(*found) > most) {
      return wanted("must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    }
    place = static_cast<uint64_t>(*found);
    return {};
  };
}

Setter texts(std::vector<std::string>& place) {
  return [&place](const toml::node& value) -> Status {
    const auto* items = value.as_array();
    if (items == nullptr) return wanted("must be a list of texts: [\"…\"]");
    place.clear();
    for (const auto& item : *items) {
      const auto found = item.value_exact<std::string>();
      if (!found) return wanted("must be a list of texts: [\"…\"]");
      place.push_back(*found);
    }
    return {};
  };
}

Setter ratio(double& place) {
  return [&place](const toml::node& value) -> Status {
    const auto found = value.is_number() ? value.value<double>() : std::nullopt;
    if (!found || !(*found >= 0 && *found <= 1)) return wanted("must be a number from 0 to 1");
    place = *found;
    return {};
  };
}

Setter endpoint(std::string& place) {
  return [&place](const toml::node& value) -> Status {
    const auto found = value.value_exact<std::string>();
    if (!found) return wanted("must be text in quotes");
    if (!found->empty() && !trace::parse_endpoint(*found).ok())
      return wanted("must be a URL: \"https://HOST[:PORT][/PATH]\"");
    place = *found;
    return {};
  };
}

/// The values are secrets, so no message tells them.
Setter secret_headers(std::vector<std::pair<std::string, std::string>>& place) {
  return [&place](const toml::node& value) -> Status {
    const auto* items = value.as_table();
    if (items == nullptr) return wanted("must be a table: { name = \"value\" }");
    place.clear();
    for (const auto& [name, item] : *items) {
      const auto found = item.value_exact<std::string>();
      if (!found) return wanted("must have texts in quotes as values");
      const Status fits = trace::check_header(name.str(), *found);
      if (!fits.ok()) return wanted("must be headers of HTTP: " + fits.error().message);
      place.emplace_back(name.str(), *found);
    }
    return {};
  };
}

template <class T>
Setter choice(T& place, std::map<std::string, T> choices) {
  return [&place, choices = std::move(choices)](const toml::node& value) -> Status {
    const auto found = choices.find(value.value_exact<std::string>().value_or(""));
    if (found != choices.end()) {
      place = found->second;
      return {};
    }
    std::string names;
    for (const auto& [name, unused] : choices) names += (names.empty() ? "\"" : ", \"") + name + '"';
    return wanted("must be one of " + names);
  };
}

std::map<std::string, Table, std::less<>> tables_of(Config& config) {
  return {
      {"", {{"data_folder", text(config.data_folder)}, {"node_name", text(config.node_name)}}},
      {"api",
       {{"listen", texts(config.api.listen)},
        {"names", texts(config.api.names)},
        {"unix_socket", text(config.api.unix_socket)},
        {"max_connections", number(config.api.max_connections, 1, 1'000'000)},
        {"shutdown_ms", number(config.api.shutdown_ms, 0, 3'600'000)}}},
      {"plugins",
       {{"paths", texts(config.plugins.paths)},
        {"allow_inline", flag(config.plugins.allow_inline)},
        {"create_timeout_ms", number(config.plugins.create_timeout_ms, 1, 3'600'000)},
        {"start_timeout_ms", number(config.plugins.start_timeout_ms, 1, 3'600'000)},
        {"stop_timeout_ms", number(config.plugins.stop_timeout_ms, 1, 3'600'000)},
        {"shutdown_ms", number(config.plugins.shutdown_ms, 0, 3'600'000)}}},
      {"blobs",
       {{"max_bytes", number(config.blobs.max_bytes, 1 << 20, INT64_MAX)},
        {"grace_ms", number(config.blobs.grace_ms, 1'000, INT64_MAX)}}},
      {"traces",
       {{"endpoint", endpoint(config.traces.endpoint)},
        {"ratio", ratio(config.traces.ratio)},
        {"headers", secret_headers(config.traces.headers)},
        {"ca", text(config.traces.ca)}}},
      {"log",
       {{"level", choice<LogLevel>(config.log.level, {{"debug", LogLevel::kDebug},
                                                      {"info", LogLevel::kInfo},
                                                      {"warn", LogLevel::kWarn},
                                                      {"error", LogLevel::kError}})},
        {"format", choice<LogFormat>(config.log.format, {{"text", LogFormat::kText}, {"json", LogFormat::kJson}})}}},
  };
}

std::string names_of(const Table& table) {
  std::string names;
  for (const auto& [name, unused] : table) names += (names.empty() ? "" : ", ") + name;
  return names;
}

class Reader {
 public:
  Reader(std::string_view name, Config& config) : name_(name), tables_(tables_of(config)) {}

  Status read(const toml::table& root) {
    for (const auto& [key, value] : root) {
      const auto table = tables_.find(key.str());
      if (table == tables_.end() || table->first.empty()) {
        TRY_STATUS(set(tables_.at(""), "", key.str(), value));
        continue;
      }
      if (!value.is_table())
        return at(value, std::string(key.str()) + " must be a table: [" + std::string(key.str()) + "]");
      for (const auto& [inner, setting] : *value.as_table()) {
        TRY_STATUS(set(table->second, table->first + ".", inner.str(), setting));
      }
    }
    return {};
  }

 private:
  Status set(const Table& table, const std::string& prefix, std::string_view key, const toml::node& value) {
    const std::string path = prefix + std::string(key);
    const auto setter = table.find(key);
    if (setter == table.end()) return at(value, path + " is no setting; there are " + names_of(table));
    const Status status = setter->second(value);
    return status.ok() ? Status() : at(value, path + " " + status.error().message);
  }
  Error at(const toml::node& node, const std::string& what) const {
    return wanted(std::string(name_) + ":" + std::to_string(node.source().begin.line) + ": " + what);
  }

  const std::string_view name_;
  const std::map<std::string, Table, std::less<>> tables_;
};

Result<toml::table> parse_toml(std::string_view text, std::string_view name) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return wanted(std::string(name) + ":" + std::to_string(error.source().begin.line) + ": " +
                  std::string(error.description()));
  }
}

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

/// Node names are names of resources.
bool is_node_name(std::string_view name) {
  if (name.empty() || name.size() > 63 || name.front() == '-' || name.back() == '-') return false;
  for (const char c : name) {
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') return false;
  }
  return true;
}

/// The machine's name up to its first dot, in lower case; "localhost" when that is no name for a resource.
std::string default_node_name() {
  std::string name = host_name();
  name = name.substr(0, name.find('.'));
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return is_node_name(name) ? name : "localhost";
}

}  // namespace

Result<Config> parse_config(std::string_view text, std::string_view name) {
  Config config;
  const toml::table root = TRY(parse_toml(text, name));
  TRY_STATUS(Reader(name, config).read(root));
  if (config.node_name.empty()) config.node_name = default_node_name();
  if (!is_node_name(config.node_name)) {
    return wanted(std::string(name) + ": node_name \"" + config.node_name +
                  "\" must be at most 63 lower-case letters, digits and dashes");
  }
  if (config.data_folder.empty() || config.data_folder.front() != '/') {
    return wanted(std::string(name) + ": data_folder must be an absolute path");
  }
  return config;
}

Result<Config> load_config(const std::string& file) {
  const std::string bytes = TRY(read_file(file, kMaxConfigBytes));
  return parse_config(bytes, file);
}

Config dev_config(const std::string& folder, const std::string& program) {
  Config config;
  config.data_folder = folder + "/data";
  config.node_name = default_node_name();
  config.api.listen = {"127.0.0.1:0"};
  config.api.unix_socket = folder + "/api.sock";
  config.plugins.paths = {program.substr(0, program.rfind('/')) + "/../lib/novacron/plugins"};
  return config;
}

std::vector<std::string> fleet_of(const Config& config) {
  std::vector<std::string> names;
  for (uint64_t i = 1; i <= config.fleet; ++i) names.push_back("fleet-" + std::to_string(i));
  return names;
}

}  // namespace novacron::host::daemon
