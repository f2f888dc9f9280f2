// plugin.json: what a package says about its plugin, read and checked before any code of it runs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/auth/context.h"
#include "host/base/result.h"
#include "host/base/semver.h"

namespace novacron::host::plugin {

constexpr size_t kMaxManifestBytes = 256 * 1'024;
constexpr size_t kMaxContractsBytes = 4 * 1'024 * 1'024;  ///< of contracts.binpb

enum class PluginScope { kEveryNode, kSingleton };
enum class Placement { kInline, kSandboxed };

struct Provided {
  std::string contract;  ///< "novacron.compute.v1"
  Version version;
};

struct Required {
  std::string contract;
  VersionRange range;
};

/// What the kernel enforces, of a plugin in a sandbox.
struct KernelPermissions {
  std::string network = "none";
  std::vector<std::string> paths;  ///< "ro:/path", "rw:/path"
  std::vector<std::string> devices;
  // 0: what the host's settings give.
  uint64_t memory_bytes = 0;
  uint32_t threads = 0;
  uint32_t cpu_percent = 0;  ///< of one CPU
  bool operator==(const KernelPermissions&) const = default;
};

/// What a plugin asks for. `grant` is the part that the host itself enforces, wherever the plugin runs.
struct Permissions {
  auth::Grant grant;  ///< `plugin` is the manifest's id
  KernelPermissions kernel;
};

struct Manifest {
  std::string id;  ///< RFC 1123 label, 63 bytes at most
  Version version;
  std::string vendor;
  std::string summary;
  std::string license;
  uint32_t abi_major = 0;
  uint32_t abi_minor = 0;
  std::string library;    ///< file in the package's folder
  std::string contracts;  ///< likewise
  std::vector<Provided> provides;
  std::vector<Required> required;
  std::vector<std::string> services;  ///< full names, in the descriptor's order
  PluginScope scope = PluginScope::kEveryNode;
  Placement placement = Placement::kInline;
  std::string config;  ///< full name of the configuration's message; empty: none
  Permissions permissions;
};

/// INVALID_ARGUMENT "plugin.manifest"; each fault is in `fields` with its path ("provides[0].version"). Keys that the
/// format does not know are faults. RESOURCE_EXHAUSTED "plugin.manifest-too-large" beyond kMaxManifestBytes.
Result<Manifest> parse_manifest(std::string_view json);

}  // namespace novacron::host::plugin
