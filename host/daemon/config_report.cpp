#include "host/daemon/config_report.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace novacron::host::daemon {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::array<SettingFacts, 46> kFacts = {{
    {"data_folder", false, "the state's log and snapshots, blobs, certificates"},
    {"node_name", false, "the name of this host's Node; empty: the machine's host name"},
    {"api.listen", false, "where HTTPS is served: \"<address>:<port>\"; port 0 takes a free one"},
    {"api.names", true, "names and addresses for the certificate, besides localhost and the machine's own"},
    {"api.unix_socket", false, "the local administrator's socket; empty: none"},
    {"api.max_connections", true, "more are refused with 503"},
    {"api.shutdown_ms", true, "how long requests under way may take to end after SIGTERM"},
    {"plugins.paths", true, "folders with packages, one folder a package"},
    {"plugins.allow_inline", true, "whether what asks for a sandbox may run inside the host's process instead"},
    {"plugins.create_timeout_ms", true, "to load a plugin, and to create it: each"},
    {"plugins.start_timeout_ms", true, "to start a plugin"},
    {"plugins.stop_timeout_ms", true, "to quiesce a plugin, for its calls to end, and to destroy it: each"},
    {"plugins.shutdown_ms", true, "how long plugins may take to end after SIGTERM, after api.shutdown_ms"},
    {"upgrade.settle_ms", true, "for calls under way to end before a version leaves its state to the next"},
    {"upgrade.probation_ms", true, "how long the next version is compared with the one before; 0: not at all"},
    {"upgrade.check_ms", true, "between two looks at it"},
    {"upgrade.min_calls", true, "calls of a method before its errors and times are judged"},
    {"upgrade.more_errors_percent", true, "so many more of a method's calls fail, and it is rolled back"},
    {"upgrade.slower_percent", true, "its 99th percentile, of what it was; beyond, it is rolled back"},
    {"upgrade.slower_floor_us", true, "a 99th percentile below that is never too slow"},
    {"sandbox.program", true, "what runs a plugin that is not to run in the daemon's process; empty: none does"},
    {"sandbox.required", true,
     "layers without which no plugin is started in a sandbox: user, mount, pid, ipc, network, "
     "seccomp, landlock, rlimits, cgroup, no-new-privileges"},
    {"sandbox.user", true, "number of the user and group that its process runs as, when the daemon is root"},
    {"sandbox.memory_bytes", true, "memory of each plugin in a sandbox"},
    {"sandbox.threads", true, "threads of each"},
    {"sandbox.cpu_percent", true, "of one CPU, for each; 0: no limit"},
    {"sandbox.stuck_ms", true, "how long a plugin's code may go on beyond its call's deadline before it is replaced"},
    {"sandbox.restart_ms", true, "how long after its process died it is started again; doubled each time"},
    {"sandbox.restart_longest_ms", true, "at most"},
    {"sandbox.max_deaths", true, "so many within sandbox.deaths_within_s, and it is quarantined"},
    {"sandbox.deaths_within_s", true, "see sandbox.max_deaths"},
    {"blobs.max_bytes", true, "blobs and unfinished uploads together"},
    {"blobs.grace_ms", false, "how long bytes stay that no object has"},
    {"operations.keep_s", false, "seconds that ended operations are kept"},
    {"operations.max_kept", false, "how many of them at most"},
    {"operations.keep_tasks_s", false, "seconds that the task log is kept"},
    {"operations.max_tasks", false, "how many entries of it at most"},
    {"audit.keep_s", false, "seconds that audit records are kept"},
    {"audit.max_records", false, "how many of them at most"},
    {"traces.endpoint", false, "where spans go by OTLP/HTTP: https://HOST[:PORT][/PATH]; empty: nothing is traced"},
    {"traces.ratio", false, "of the traces that begin here, 0 to 1"},
    {"traces.headers", false, "of each request to the collector"},
    {"traces.ca", false, "PEM file with the collector's authorities; empty: the system's"},
    {"log.level", true, "the lowest level that is written: debug, info, warn, error"},
    {"log.levels", true, "the same by subject, for those that differ: {plugin = \"debug\", api = \"warn\"}"},
    {"log.format", true, "text or json, a line each on standard error"},
}};

std::string toml_text(const json& value) {
  if (!value.is_object()) return value.dump();
  std::string items;
  for (const auto& [key, item] : value.items())
    items += (items.empty() ? "" : ", ") + json(key).dump() + " = " + toml_text(item);
  return "{" + items + "}";
}

/// Calls `visit(path, setting)` for each, those outside tables first.
template <class Visit>
void for_each_setting(const SettingTables& tables, Visit&& visit) {
  for (const auto& [table_name, table] : tables) {
    for (const auto& [name, setting] : table) visit(setting_path(table_name, name), setting);
  }
}

}  // namespace

SettingFacts facts_of(std::string_view path) {
  const auto found = std::find_if(kFacts.begin(), kFacts.end(), [&](const auto& facts) { return facts.path == path; });
  return found == kFacts.end() ? SettingFacts{path} : *found;
}

std::string config_as_toml(const LoadedConfig& loaded) {
  Config config = loaded.config;
  std::string out;
  for_each_setting(tables_of(config), [&](const std::string& path, const Setting& setting) {
    out += path + " = " + toml_text(shown(setting)) + "  # " + origin_of(loaded, path) + "\n";
  });
  return out;
}

ordered_json describe_settings(const LoadedConfig& in_effect, const Config& configured) {
  Config running = in_effect.config;
  Config wanted = configured;
  const SettingTables wanted_tables = tables_of(wanted);
  ordered_json list = ordered_json::array();
  for_each_setting(tables_of(running), [&](const std::string& path, const Setting& setting) {
    const SettingFacts facts = facts_of(path);
    const Setting& other = *find_setting(wanted_tables, path);
    ordered_json item = {{"name", path},
                         {"value", shown(setting)},
                         {"origin", origin_of(in_effect, path)},
                         {"live", facts.is_live},
                         {"summary", facts.summary}};
    if (setting.get() != other.get()) item["configured"] = shown(other);
    list.push_back(std::move(item));
  });
  return list;
}

std::vector<std::string> changed_settings(const Config& before, const Config& after) {
  Config first = before;
  Config second = after;
  const SettingTables second_tables = tables_of(second);
  std::vector<std::string> changed;
  for_each_setting(tables_of(first), [&](const std::string& path, const Setting& setting) {
    if (setting.get() != find_setting(second_tables, path)->get()) changed.push_back(path);
  });
  return changed;
}

std::vector<std::string> take_live_settings(Config& running, const Config& wanted) {
  Config other = wanted;
  const SettingTables to = tables_of(running);
  const SettingTables from = tables_of(other);
  std::vector<std::string> left;
  for (const std::string& path : changed_settings(running, wanted)) {
    const bool taken = facts_of(path).is_live && find_setting(to, path)->set(find_setting(from, path)->get()).ok();
    if (!taken) left.push_back(path);
  }
  return left;
}

}  // namespace novacron::host::daemon
