// The daemon's settings. docs/CONFIG.md lists them for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/base/log.h"
#include "host/base/result.h"
#include "host/daemon/config_layers.h"

namespace novacron::host::daemon {

struct Config {
  std::string data_folder = "/var/lib/novacron";
  std::string node_name;  ///< empty: the machine's host name
  uint64_t fleet = 0;     ///< nodes that this host plays besides its own, "fleet-1" and so on; for development

  struct Api {
    std::vector<std::string> listen = {"127.0.0.1:8443"};  ///< "[::]:8443"; port 0: any free one
    std::vector<std::string> names;                        ///< for the certificate, besides localhost and the machine's
    std::string unix_socket = "/run/novacron/api.sock";    ///< empty: none
    uint64_t max_connections = 4'000;
    uint64_t shutdown_ms = 20'000;  ///< for requests under way when the daemon is asked to end
  } api;

  struct Plugins {
    std::vector<std::string> paths = {"/usr/lib/novacron/plugins"};  ///< folders of packages
    bool allow_inline = true;            ///< run inside the daemon what its manifest wants sandboxed
    uint64_t create_timeout_ms = 5'000;  ///< to load one, and to create it: each
    uint64_t start_timeout_ms = 30'000;
    uint64_t stop_timeout_ms = 10'000;  ///< to quiesce one, for its calls to end, and to destroy it: each
    uint64_t shutdown_ms = 30'000;      ///< for all, when the daemon is asked to end; then it ends without them
  } plugins;

  struct Upgrade {
    uint64_t settle_ms = 2'000;         ///< for calls under way to end before the old version leaves its state
    uint64_t probation_ms = 30'000;     ///< how long the new one is compared with the old one; 0: not at all
    uint64_t check_ms = 500;            ///< between two looks at it
    uint64_t min_calls = 50;            ///< of a method, before its errors and times are judged
    uint64_t more_errors_percent = 5;   ///< of its calls, beyond the old one's
    uint64_t slower_percent = 200;      ///< its 99th percentile, of the old one's
    uint64_t slower_floor_us = 10'000;  ///< a 99th percentile below that is never too slow
  } upgrade;

  struct Sandbox {
    std::string program = "/usr/libexec/novacron/novacron-sandbox";  ///< empty: there are no sandboxes
    std::vector<std::string> required;  ///< layers without which a plugin is not started in one
    uint64_t user = 65'534;             ///< and group, of its processes, when the daemon is root
    uint64_t memory_bytes = 512ull << 20;
    uint64_t threads = 256;
    uint64_t cpu_percent = 0;     ///< of one CPU; 0: no limit
    uint64_t stuck_ms = 60'000;   ///< in a plugin's code beyond a call's deadline; then it is replaced
    uint64_t restart_ms = 1'000;  ///< after a death; doubled by each further one
    uint64_t restart_longest_ms = 60'000;
    uint64_t max_deaths = 5;  ///< within deaths_within_s; then the plugin is quarantined
    uint64_t deaths_within_s = 600;
  } sandbox;

  struct Blobs {
    uint64_t max_bytes = 256ull << 30;  ///< blobs and unfinished uploads together
    uint64_t grace_ms = 86'400'000;     ///< how long bytes stay that no object has
  } blobs;

  struct Operations {
    uint64_t keep_s = 86'400;           ///< ended ones
    uint64_t max_kept = 10'000;         ///< likewise
    uint64_t keep_tasks_s = 7'776'000;  ///< entries of the task log
    uint64_t max_tasks = 50'000;        ///< likewise
  } operations;

  struct Audit {
    uint64_t keep_s = 7'776'000;     ///< records of who changed what
    uint64_t max_records = 200'000;  ///< likewise
  } audit;

  struct Traces {
    std::string endpoint;                                      ///< empty: nothing is traced
    double ratio = 1;                                          ///< of the traces that begin here
    std::vector<std::pair<std::string, std::string>> headers;  ///< of each request; their values are secrets
    std::string ca;                                            ///< PEM file; empty: the system's authorities
  } traces;

  LogSettings log;
};

/// What there is to set, with its values in `config`.
SettingTables tables_of(Config& config);

/// One file alone. INVALID_ARGUMENT "config.invalid" names file, line and what to write instead. `name` is for
/// messages.
Result<Config> parse_config(std::string_view text, std::string_view name);

struct ConfigSources {
  std::string file;                           ///< with <file>.d/*.toml; empty: neither
  bool may_be_absent = false;                 ///< the file
  std::vector<std::string> environment = {};  ///< "NAME=value"
  Config defaults = {};
  std::string defaults_name = "default";  ///< where a value is from that nothing else gives
};

struct LoadedConfig {
  Config config;
  Origins origins;
  std::vector<std::string> files;  ///< that were read, in that order
  std::string defaults_name;
};

/// Where the value of a setting is from.
std::string origin_of(const LoadedConfig& loaded, std::string_view path);

/// All layers, and what must hold between settings. INVALID_ARGUMENT "config.invalid" names the place.
Result<LoadedConfig> load_config(const ConfigSources& sources);

/// For trying things out, without a file: everything under `folder`, on free ports, with the plugins that lie beside
/// the program as builds and installations put them.
Config dev_config(const std::string& folder, const std::string& program);

inline constexpr uint64_t kMaxFleet = 10'000;
/// The names of the nodes that it plays.
std::vector<std::string> fleet_of(const Config& config);

}  // namespace novacron::host::daemon
