// Finds plugin packages, and installs, enables, disables and removes plugins on this node.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/lifecycle.h"

namespace novacron::host::plugin {

class Broker;

constexpr size_t kMaxResidentVersions = 8;  ///< copies of one plugin's library in this process
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
  std::string config;                        ///< encoded message of the manifest's config type
};

/// All functions are for worker threads: they block, each bounded by the deadlines below. Those of one plugin wait for
/// each other.
class Manager final {
 public:
  struct Options {
    std::vector<std::filesystem::path> catalog = {};
    std::filesystem::path libraries = {};  ///< private folder for the copies that are loaded; emptied at the start
    bool allow_inline = true;              ///< run here what its manifest wants sandboxed
    uint64_t create_timeout_ms = 5'000;
    uint64_t start_timeout_ms = 30'000;
    uint64_t quiesce_timeout_ms = 10'000;
    uint64_t drain_timeout_ms = 10'000;  ///< for calls under way, and then for destroy
    uint64_t health_timeout_ms = 2'000;
  };

  /// The others outlive the manager.
  Manager(Broker& broker, ContractCatalog& contracts, LifecycleListener& listener, Options options);
  /// Disables every plugin, several at once.
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  /// Other options from now on, for what begins then; the folder of libraries stays.
  void reconfigure(Options options);
  /// Reads the catalog's folders.
  Catalog scan() const;

  /// Installs a version, with its contracts. The same request again is fine; another version, grant or configuration
  /// replaces the one before, unless the plugin is enabled: FAILED_PRECONDITION "plugin.enabled".
  /// NOT_FOUND "plugin.no-package".
  Status install(const InstallRequest& request);
  /// Idempotent. FAILED_PRECONDITION "plugin.requires" names what is missing, "plugin.quarantined" and
  /// "plugin.abandoned" ask to disable it first; RESOURCE_EXHAUSTED "plugin.too-many-versions", and
  /// "host.threads-abandoned" when kMaxAbandoned threads hang in plugins; else the failed step's error.
  Status enable(std::string_view id);
  /// Idempotent. The plugin is disabled also when an error is returned: DEADLINE_EXCEEDED "plugin.abandoned".
  Status disable(std::string_view id);
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
