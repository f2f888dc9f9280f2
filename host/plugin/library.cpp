#include "host/plugin/library.h"

#include <algorithm>
#include <boost/dll/shared_library.hpp>

#include "host/base/file.h"
#include "host/base/log.h"
#include "host/base/sha256.h"
#include "host/plugin/abi.h"
#include "host/plugin/elf.h"
#include "host/sandbox/frame.h"

namespace novacron::host::plugin {
namespace {

constexpr size_t kMaxNameBytes = 200;  ///< a memfd's has at most 249
constexpr const char* kEntry = "novacron_plugin_entry_v1";
using Entry = const nc_plugin*(uint32_t, uint32_t);

Result<std::string> read_part(const std::filesystem::path& path, size_t max_bytes, const char* too_large) {
  auto content = read_file(path.string(), max_bytes);
  if (content.ok()) return content;
  Error error = wrap(std::move(content).error(), path.filename().string());
  if (error.code == Code::kResourceExhausted) error.reason = too_large;
  return error;
}

Error differs(const std::string& what) {
  return {Code::kFailedPrecondition, "the library is not what its manifest says: " + what, "plugin.descriptor"};
}

/// Never closed: threads and callbacks of a plugin may outlive any instance of it.
void keep_for_ever(boost::dll::shared_library library) {
  static std::mutex* const mutex = new std::mutex;
  static auto* const kept = new std::vector<boost::dll::shared_library>;
  std::lock_guard lock(*mutex);
  kept->push_back(std::move(library));
}

Error not_loaded(std::string why) {
  return {Code::kFailedPrecondition, std::move(why), "plugin.load-failed"};
}

}  // namespace

Result<PackageFiles> read_package(const Package& package) {
  PackageFiles files;
  files.library =
      TRY(read_part(package.folder / package.manifest.library, kMaxLibraryBytes, "plugin.library-too-large"));
  files.contracts =
      TRY(read_part(package.folder / package.manifest.contracts, kMaxContractsBytes, "plugin.contracts-too-large"));
  files.digest = "sha256:" + sha256_hex(files.library);
  files.contracts_sha256 = sha256_hex(files.contracts);
  return files;
}

Status check_library(const Package& package, const PackageFiles& files, Placement placement) {
  const ElfFacts facts = TRY(read_elf(files.library));
  if (facts.exports != std::vector<std::string>{kEntry}) {
    std::string found;
    for (size_t i = 0; i < std::min<size_t>(facts.exports.size(), 5); ++i) found += ' ' + facts.exports[i];
    return Error{Code::kFailedPrecondition,
                 std::string("the library must export ") + kEntry + " and nothing else; it exports" +
                     (found.empty() ? " nothing" : found),
                 "plugin.exports"};
  }
  if (placement == Placement::kSandboxed) return {};
  const auto sandbox_only = [](const std::string& why) {
    return Error{Code::kFailedPrecondition, "the library cannot run inside the host: " + why, "plugin.sandbox-only"};
  };
  if (facts.is_go) return sandbox_only("it brings Go's runtime");
  const std::string forbidden = forbidden_dependency(facts, package.folder);
  if (!forbidden.empty()) return sandbox_only("it needs " + forbidden);
  return {};
}

Result<LoadedLibrary> check_descriptor(const nc_plugin* plugin, const Manifest& manifest,
                                       const std::string& contracts_sha256, Placement placement) {
  if (!plugin) return differs("its entry says that it cannot run on this host");
  if (!NC_CAN(plugin, destroy) || !plugin->create || !plugin->invoke)
    return differs("it lacks create, invoke or destroy");
  const nc_descriptor* descriptor = plugin->descriptor;
  if (!descriptor || !NC_HAS(descriptor, contracts_sha256)) return differs("its descriptor is cut short");
  if (placement == Placement::kInline && (descriptor->flags & NC_PLUGIN_SANDBOX_ONLY) != 0) {
    return differs("it runs in a sandbox only");
  }
  if (view(descriptor->id) != manifest.id) return differs("its id is " + std::string(view(descriptor->id)));
  if (view(descriptor->version) != manifest.version.to_string()) {
    return differs("its version is " + std::string(view(descriptor->version)));
  }
  if (view(descriptor->contracts_sha256) != contracts_sha256) {
    return differs("it was built with other contracts than those beside it");
  }
  if (descriptor->services_len > 0 && !descriptor->services) return differs("it has services, but no table of them");
  LoadedLibrary loaded;
  loaded.plugin = plugin;
  for (size_t i = 0; i < descriptor->services_len; ++i) {
    loaded.services.push_back(TRY(service_spec(descriptor->services[i])));
    const std::string& name = loaded.services.back().name;
    if (i >= manifest.services.size() || manifest.services[i] != name) return differs("it offers " + name);
  }
  if (loaded.services.size() != manifest.services.size()) {
    return differs("it does not offer " + manifest.services[loaded.services.size()]);
  }
  return loaded;
}

Result<LoadedLibrary> Libraries::load(const Manifest& manifest, const PackageFiles& files) {
  const Key key(manifest.id, files.digest);
  {
    std::lock_guard lock(mutex_);
    const auto found = loaded_.find(key);
    if (found != loaded_.end())
      return check_descriptor(found->second, manifest, files.contracts_sha256, Placement::kInline);
  }
  const nc_plugin* const plugin = TRY(load_copy(manifest, files));
  std::lock_guard lock(mutex_);
  loaded_[key] = plugin;
  return check_descriptor(plugin, manifest, files.contracts_sha256, Placement::kInline);
}

Status Libraries::count_one_more(const std::string& plugin) {
  std::lock_guard lock(mutex_);
  size_t& resident = resident_[plugin];
  if (resident >= kMaxResidentVersions) {
    return Error{Code::kResourceExhausted,
                 std::to_string(kMaxResidentVersions) + " libraries of " + plugin +
                     " are in the host's memory already, and none ever leaves it; run it in a sandbox "
                     "(spec.placement SANDBOXED), or restart the host",
                 "plugin.too-many-versions"};
  }
  ++resident;
  return {};
}

/// Without the lock, since constructors and the entry are the library's own code. Each memfd is a file of its own to
/// the loader, so two versions never share anything, and nobody can change what was checked.
Result<const nc_plugin*> Libraries::load_copy(const Manifest& manifest, const PackageFiles& files) {
  TRY_STATUS(count_one_more(manifest.id));
  // Open for ever: the loader knows libraries by path too, and backtraces read their symbols from there.
  const std::string name = manifest.id.substr(0, kMaxNameBytes) + '-' + manifest.version.to_string().substr(0, 40);
  const int fd = TRY(sandbox::sealed_memfd(files.library, name)).release();
  try {
    boost::dll::shared_library library;
    library.load("/proc/self/fd/" + std::to_string(fd),
                 boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
    Entry* const entry = library.get<Entry>(kEntry);
    keep_for_ever(std::move(library));
    return entry(NC_ABI_MINOR, sizeof(nc_host));
  } catch (const std::exception& thrown) {
    return not_loaded(thrown.what());
  } catch (...) {
    return not_loaded("its entry threw");
  }
}

void Libraries::abandon(const std::string& plugin, const std::string& digest) {
  std::lock_guard lock(mutex_);
  loaded_.erase(Key(plugin, digest));
}

}  // namespace novacron::host::plugin
