// Plugin libraries in this process: checked before they are loaded, and never unloaded.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/plugin/manager.h"
#include "host/plugin/service.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::sandbox {
class Guest;
}

namespace novacron::host::plugin {

constexpr size_t kMaxLibraryBytes = 256 * 1'024 * 1'024;

/// The files of a package, read once, so that what is checked is what is loaded.
struct PackageFiles {
  std::string library;
  std::string contracts;
  std::string digest;            ///< "sha256:<64 hex>" of the library
  std::string contracts_sha256;  ///< 64 hex
};
/// NOT_FOUND; RESOURCE_EXHAUSTED "plugin.library-too-large", "plugin.contracts-too-large".
Result<PackageFiles> read_package(const Package& package);

/// What can be known without running its code. FAILED_PRECONDITION "plugin.exports", "plugin.sandbox-only";
/// INVALID_ARGUMENT "plugin.library".
Status check_library(const Package& package, const PackageFiles& files, Placement placement);

struct LoadedLibrary {
  const nc_plugin* plugin = nullptr;  ///< lives as long as the process, or as `guest`
  std::vector<ServiceSpec> services;
  std::shared_ptr<sandbox::Guest> guest;  ///< null: it is loaded in this process
};

/// What the entry returned must be what the manifest says. FAILED_PRECONDITION "plugin.descriptor" says what differs.
Result<LoadedLibrary> check_descriptor(const nc_plugin* plugin, const Manifest& manifest,
                                       const std::string& contracts_sha256, Placement placement);

/// [worker] threads, several at once, but one at a time for a plugin. A library's own code runs in load(), and may
/// hang.
class Libraries final {
 public:
  /// Loads it, or gives what is loaded already and was not abandoned. RESOURCE_EXHAUSTED "plugin.too-many-versions";
  /// FAILED_PRECONDITION "plugin.load-failed" with the loader's words, and those of check_descriptor().
  Result<LoadedLibrary> load(const Manifest& manifest, const PackageFiles& files);
  /// The next load() of it takes a new copy, since an instance of this one still runs.
  void abandon(const std::string& plugin, const std::string& digest);

 private:
  using Key = std::pair<std::string, std::string>;  ///< plugin and digest
  Status count_one_more(const std::string& plugin);
  Result<const nc_plugin*> load_copy(const Manifest& manifest, const PackageFiles& files);

  std::mutex mutex_;
  std::map<Key, const nc_plugin*> loaded_;
  std::map<std::string, size_t> resident_;  ///< by plugin
};

}  // namespace novacron::host::plugin
