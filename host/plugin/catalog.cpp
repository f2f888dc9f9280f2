// Finding packages in the catalog's folders.
#include <algorithm>

#include "host/base/file.h"
#include "host/plugin/manager.h"

namespace novacron::host::plugin {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxPackages = 4'096;

bool is_folder(const fs::directory_entry& entry) {
  std::error_code error;
  return entry.is_directory(error);
}

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (is_folder(*it)) found.push_back(it->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool has_manifest(const fs::path& folder) {
  std::error_code error;
  return fs::is_regular_file(folder / "plugin.json", error);
}

void add_package(const fs::path& folder, Catalog& catalog) {
  if (catalog.packages.size() + catalog.broken.size() >= kMaxPackages) return;
  auto text = read_file((folder / "plugin.json").string(), kMaxManifestBytes);
  auto manifest = text.ok() ? parse_manifest(*text) : Result<Manifest>(text.error());
  if (!manifest.ok()) {
    catalog.broken.push_back({folder, std::move(manifest).error()});
    return;
  }
  const auto same = [&](const Package& package) {
    return package.manifest.id == manifest->id && package.manifest.version == manifest->version;
  };
  if (std::any_of(catalog.packages.begin(), catalog.packages.end(), same)) return;  // the first folder decides
  catalog.packages.push_back({folder, std::move(manifest).value()});
}

}  // namespace

Catalog scan_catalog(const std::vector<fs::path>& folders) {
  Catalog catalog;
  for (const fs::path& root : folders) {
    for (const fs::path& folder : folders_in(root)) {
      if (has_manifest(folder)) {
        add_package(folder, catalog);
        continue;
      }
      for (const fs::path& version : folders_in(folder)) {
        if (has_manifest(version)) add_package(version, catalog);
      }
    }
  }
  std::sort(catalog.packages.begin(), catalog.packages.end(), [](const Package& a, const Package& b) {
    return a.manifest.id != b.manifest.id ? a.manifest.id < b.manifest.id : b.manifest.version < a.manifest.version;
  });
  return catalog;
}

}  // namespace novacron::host::plugin
