// How a plugin is kept apart from the machine: what is wanted, and which layers it got. docs/sandbox.md tells each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/sandbox/process.h"
#include "host/sandbox/reach.h"
#include "host/sandbox/wire.h"

namespace novacron::host::sandbox {

/// Numbers are bits of Layers.
enum class Layer : uint32_t {
  kUserNamespace = 1,
  kMountNamespace = 2,
  kPidNamespace = 4,
  kIpcNamespace = 8,
  kNetworkNamespace = 16,
  kSeccomp = 32,
  kLandlock = 64,
  kRlimits = 128,
  kCgroup = 256,
  kNoNewPrivileges = 512,
};
constexpr uint32_t kAllLayers = 1'023;

using Layers = uint32_t;  ///< of Layer

inline bool has(Layers layers, Layer layer) {
  return (layers & static_cast<uint32_t>(layer)) != 0;
}
/// "seccomp, landlock"; "" for none.
std::string names_of(Layers layers);
/// INVALID_ARGUMENT "sandbox.layer" names one that there is not.
Result<Layers> layers_named(const std::vector<std::string>& names);

enum class Network : uint8_t {
  kNone,
  kAll,
  kReach,  ///< what Isolation::reach says, by the host's gatekeeper
};

struct Path {
  std::string path;
  bool writable = false;
};

/// What is wanted. Paths are as the host sees them, and have the same names inside.
struct Isolation {
  Layers required = 0;  ///< without which the plugin does not run
  Layers have = 0;      ///< what the host has given the process already
  Network network = Network::kNone;
  std::optional<Reach> reach;  ///< the host's own; the process gets `hosts`
  std::string hosts;           ///< the content of its /etc/hosts, with kReach
  std::vector<Path> paths;
  std::vector<std::string> devices;
  std::string package;                ///< folder with the library, and with others that it brings
  std::string library = "plugin.so";  ///< the name of its file there
  uint32_t user = 65'534;             ///< and group, when the host is root
  uint64_t memory_bytes = 512ull << 20;
  uint64_t tmp_bytes = 64ull << 20;
  uint32_t threads = 256;
  uint32_t open_files = 1'024;
  uint32_t cpu_percent = 0;  ///< of one CPU; 0: no limit
};

/// Those that the process begins with: all but the user's when the host is root, which has no need of it to make the
/// others and gives itself up later.
Namespaces wanted_namespaces(const Isolation& isolation);

Layers layers_of(const Namespaces& namespaces);

void put(Writer& writer, const Isolation& isolation);
Isolation get_isolation(Reader& reader);

/// Layers without which what is wanted is not kept, whatever else is required.
Layers needed_layers(const Isolation& isolation);

/// A plugin's network permission, paths and devices as a manifest writes them. INVALID_ARGUMENT "sandbox.network".
Status add_permissions(Isolation& isolation, const std::string& network, const std::vector<std::string>& paths,
                       const std::vector<std::string>& devices);

}  // namespace novacron::host::sandbox
