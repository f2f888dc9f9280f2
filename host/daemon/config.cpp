#include "host/daemon/config.h"

#include <unistd.h>

#include <array>
#include <climits>

#include "host/base/file.h"

namespace novacron::host::daemon {
namespace {

Error wanted(std::string what) {
  return {Code::kInvalidArgument, std::move(what), "config.invalid"};
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

/// What one setting alone cannot tell.
Status check(LoadedConfig& loaded) {
  Config& config = loaded.config;
  if (config.node_name.empty()) config.node_name = default_node_name();
  if (!is_node_name(config.node_name)) {
    return wanted(origin_of(loaded, "node_name") + ": node_name \"" + config.node_name +
                  "\" must be at most 63 lower-case letters, digits and dashes");
  }
  if (config.data_folder.empty() || config.data_folder.front() != '/') {
    return wanted(origin_of(loaded, "data_folder") + ": data_folder must be an absolute path");
  }
  return {};
}

Status apply_file(const std::string& file, const SettingTables& tables, LoadedConfig& loaded) {
  const auto bytes = read_file(file, kMaxConfigBytes);
  if (!bytes.ok()) return bytes.error();
  TRY_STATUS(apply_toml(*bytes, file, tables, loaded.origins));
  loaded.files.push_back(file);
  return {};
}

Status apply_files(const ConfigSources& sources, const SettingTables& tables, LoadedConfig& loaded) {
  if (sources.file.empty()) return {};
  const Status applied = apply_file(sources.file, tables, loaded);
  if (!applied.ok() && !(applied.code() == Code::kNotFound && sources.may_be_absent)) return applied;
  for (const std::string& file : TRY(drop_ins_of(sources.file))) TRY_STATUS(apply_file(file, tables, loaded));
  return {};
}

SettingTables::value_type upgrade_table(Config::Upgrade& upgrade) {
  return {"upgrade",
          {{"settle_ms", number(upgrade.settle_ms, 0, 60'000)},
           {"probation_ms", number(upgrade.probation_ms, 0, 86'400'000)},
           {"check_ms", number(upgrade.check_ms, 10, 60'000)},
           {"min_calls", number(upgrade.min_calls, 1, 1'000'000)},
           {"more_errors_percent", number(upgrade.more_errors_percent, 0, 100)},
           {"slower_percent", number(upgrade.slower_percent, 100, 100'000)},
           {"slower_floor_us", number(upgrade.slower_floor_us, 0, 3'600'000'000)}}};
}

SettingTables::value_type sandbox_table(Config::Sandbox& sandbox) {
  return {"sandbox",
          {{"program", text(sandbox.program)},
           {"required", texts(sandbox.required)},
           {"user", number(sandbox.user, 1, UINT32_MAX - 1)},
           {"memory_bytes", number(sandbox.memory_bytes, 16 << 20, INT64_MAX)},
           {"threads", number(sandbox.threads, 16, 65'536)},
           {"cpu_percent", number(sandbox.cpu_percent, 0, 100'000)},
           {"stuck_ms", number(sandbox.stuck_ms, 100, 86'400'000)},
           {"restart_ms", number(sandbox.restart_ms, 1, 3'600'000)},
           {"restart_longest_ms", number(sandbox.restart_longest_ms, 1, 86'400'000)},
           {"max_deaths", number(sandbox.max_deaths, 1, 1'000)},
           {"deaths_within_s", number(sandbox.deaths_within_s, 1, 86'400)}}};
}

}  // namespace

SettingTables tables_of(Config& config) {
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
      upgrade_table(config.upgrade),
      sandbox_table(config.sandbox),
      {"blobs",
       {{"max_bytes", number(config.blobs.max_bytes, 1 << 20, INT64_MAX)},
        {"grace_ms", number(config.blobs.grace_ms, 1'000, INT64_MAX)}}},
      {"operations",
       {{"keep_s", number(config.operations.keep_s, 60, 31'536'000)},
        {"max_kept", number(config.operations.max_kept, 1, 100'000)},
        {"keep_tasks_s", number(config.operations.keep_tasks_s, 60, 315'360'000)},
        {"max_tasks", number(config.operations.max_tasks, 1, 1'000'000)}}},
      {"audit",
       {{"keep_s", number(config.audit.keep_s, 86'400, 315'360'000)},
        {"max_records", number(config.audit.max_records, 1'000, 10'000'000)}}},
      {"traces",
       {{"endpoint", trace_endpoint(config.traces.endpoint)},
        {"ratio", ratio(config.traces.ratio)},
        {"headers", secret(trace_headers(config.traces.headers))},
        {"ca", text(config.traces.ca)}}},
      {"log",
       {{"level", log_level(config.log.level)},
        {"levels", log_levels(config.log.levels)},
        {"format", log_format(config.log.format)}}},
  };
}

std::string origin_of(const LoadedConfig& loaded, std::string_view path) {
  const auto origin = loaded.origins.find(path);
  return origin == loaded.origins.end() ? loaded.defaults_name : origin->second;
}

Result<Config> parse_config(std::string_view text, std::string_view name) {
  LoadedConfig loaded;
  TRY_STATUS(apply_toml(text, name, tables_of(loaded.config), loaded.origins));
  TRY_STATUS(check(loaded));
  return std::move(loaded.config);
}

Result<LoadedConfig> load_config(const ConfigSources& sources) {
  LoadedConfig loaded;
  loaded.config = sources.defaults;
  loaded.defaults_name = sources.defaults_name;
  const SettingTables tables = tables_of(loaded.config);
  TRY_STATUS(apply_files(sources, tables, loaded));
  TRY_STATUS(apply_environment(sources.environment, tables, loaded.origins));
  TRY_STATUS(check(loaded));
  return loaded;
}

Config dev_config(const std::string& folder, const std::string& program) {
  Config config;
  config.data_folder = folder + "/data";
  config.node_name = default_node_name();
  config.api.listen = {"127.0.0.1:0"};
  config.api.unix_socket = folder + "/api.sock";
  config.plugins.paths = {program.substr(0, program.rfind('/')) + "/../lib/novacron/plugins"};
  config.sandbox.program = program.substr(0, program.rfind('/')) + "/novacron-sandbox";
  return config;
}

std::vector<std::string> fleet_of(const Config& config) {
  std::vector<std::string> names;
  for (uint64_t i = 1; i <= config.fleet; ++i) names.push_back("fleet-" + std::to_string(i));
  return names;
}

}  // namespace novacron::host::daemon
