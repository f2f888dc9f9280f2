// Finds plugin packages, and installs, enables, disables and removes plugins on this node.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/lifecycle.h"

namespace novacron::host::plugin {

class Broker;

constexpr size_t kMaxResidentVersions = 8;  ///< libraries of one plugin in this process
constexpr size_t kMaxDisabledAtOnce = 16;   ///< when the manager ends

/// A package's folder in the catalog: <catalog>/<id>/plugin.json or <catalog>/<id>/<version>/plugin.json.
struct Package {
  std::filesystem::path folder;
  Manifest manifest;
};

struct BrokenPackage {
  std::filesystem::path folder;
  Error error;
};

struct Catalog {
  std::vector<Package> packages;  ///< by id, then newest first
  std::vector<BrokenPackage> broken;
};

Catalog scan_catalog(const std::vector<std::filesystem::path>& folders);

struct InstallRequest {
  std::string id;
  std::string version;                       ///< empty: the newest available
  std::shared_ptr<const auth::Grant> grant;  ///< null: what the manifest asks for
  std::optional<KernelPermissions> kernel;   ///< none: likewise
  /// What it was granted when it was installed before: what asks for more waits for a new grant. None: it never was.
  std::optional<Permissions> granted_before;
  std::optional<Placement> placement;  ///< none: what the manifest says
  /// An upgrade that was rolled back before this host started: what it led to is not chosen, but where it came from.
  std::optional<Upgrade> rolled_back;
  std::string config;  ///< encoded message of the manifest's config type
};

/// How plugins run that are not to run in here.
struct Sandboxes {
  std::string program;                   ///< novacron-sandbox; empty: there are none
  std::vector<std::string> required;     ///< layers without which no plugin runs
  uint32_t user = 65'534;                ///< whose rights they have, when the host is root
  uint64_t memory_bytes = 512ull << 20;  ///< of each
  uint32_t threads = 256;                ///< likewise
  uint32_t cpu_percent = 0;              ///< likewise, of one CPU; 0: no limit
  uint64_t stuck_ms = 60'000;            ///< in a plugin's code beyond a call's deadline; then it is replaced
  uint64_t restart_ms = 1'000;           ///< after a death, doubled by each further one up to restart_longest_ms
  uint64_t restart_longest_ms = 60'000;
  uint32_t max_deaths = 5;  ///< within deaths_within_ms; then the plugin is quarantined
  uint64_t deaths_within_ms = 600'000;
};

/// How a version takes over from another while the plugin runs, and when it is rolled back.
struct Upgrades {
  uint64_t settle_ms = 2'000;         ///< for calls under way to end before the old one leaves its state
  uint64_t probation_ms = 30'000;     ///< 0: none
  uint64_t check_ms = 500;            ///< between looks at the new one
  uint64_t min_calls = 50;            ///< of a method, before its errors and times are judged
  uint32_t more_errors_percent = 5;   ///< of its calls, beyond the old one's
  uint32_t slower_percent = 200;      ///< its p99, of the old one's
  uint64_t slower_floor_us = 10'000;  ///< a p99 below that is never too slow
};

/// All functions are for worker threads: they block, each bounded by the deadlines below. Those of one plugin wait for
/// each other.
class Manager final {
 public:
  struct Options {
    std::vector<std::filesystem::path> catalog = {};
    bool allow_inline = true;  ///< whether a request may have here what its manifest wants sandboxed
    Sandboxes sandboxes = {};
    uint64_t create_timeout_ms = 5'000;
    uint64_t start_timeout_ms = 30'000;
    uint64_t quiesce_timeout_ms = 10'000;
    uint64_t drain_timeout_ms = 10'000;  ///< for calls under way, and then for destroy
    uint64_t health_timeout_ms = 2'000;
    Upgrades upgrades = {};
  };

  /// The others outlive the manager.
  Manager(Broker& broker, ContractCatalog& contracts, LifecycleListener& listener, Options options);
  /// Disables every plugin, several at once.
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  /// Other options from now on, for what begins then.
  void reconfigure(Options options);
  /// Reads the catalog's folders.
  Catalog scan() const;

  /// Installs a version, with its contracts. The same request again is fine; another version, grant or configuration
  /// replaces the one before, unless the plugin is enabled: FAILED_PRECONDITION "plugin.other-version" for what
  /// upgrade() does, else "plugin.enabled".
  /// NOT_FOUND "plugin.no-package"; FAILED_PRECONDITION "plugin.grant-needed" names what it asks for beyond
  /// `granted_before`, where `grant` is null.
  Status install(const InstallRequest& request);
  /// Idempotent. FAILED_PRECONDITION "plugin.requires" names what is missing, "plugin.quarantined" and
  /// "plugin.abandoned" ask to disable it first; RESOURCE_EXHAUSTED "plugin.too-many-versions", and
  /// "host.threads-abandoned" when kMaxAbandoned threads hang in plugins; else the failed step's error.
  Status enable(std::string_view id);
  /// Idempotent. The plugin is disabled also when an error is returned: DEADLINE_EXCEEDED "plugin.abandoned".
  Status disable(std::string_view id);
  /// The manifest of what the request would install.
  Result<Manifest> chosen(const InstallRequest& request);
  /// Another version or placement takes over from the one that runs, without a call being lost: the plugin is enabled
  /// all the time. When it returns, the new one serves and is on probation, or the old one serves as before: OK, and
  /// the `upgrade` of info() says which. Errors come before anything was done: those of install(); FAILED_PRECONDITION
  /// "plugin.not-enabled", "plugin.in-probation", "plugin.rolled-back" (this very upgrade was, see forget_rolled_back);
  /// or the plugin does not run any more, and says why.
  Status upgrade(const InstallRequest& request);
  /// The upgrade on probation, if there is one, is taken back.
  Status roll_back(std::string_view id, const Error& why);
  /// What was rolled back may be tried again.
  void forget_rolled_back(std::string_view id);
  /// New configuration for an enabled plugin; all or nothing.
  Status configure(std::string_view id, const std::string& config);
  /// Disables it first where needed. Its objects and contracts stay.
  Status remove(std::string_view id);
  /// The plugin's own word. UNAVAILABLE "plugin.health" when it does not answer in time.
  Status health(std::string_view id);

  Result<PluginInfo> info(std::string_view id) const;
  /// The installed ones, by id.
  std::vector<PluginInfo> list() const;
  /// Of the instances that there are.
  std::vector<MethodUse> uses() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace novacron::host::plugin
