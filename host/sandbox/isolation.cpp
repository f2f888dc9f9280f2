#include "host/sandbox/isolation.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace novacron::host::sandbox {
namespace {

constexpr size_t kMinPathBytes = 5;

constexpr std::array<std::pair<Layer, std::string_view>, 10> kNames{{
    {Layer::kUserNamespace, "user"},
    {Layer::kMountNamespace, "mount"},
    {Layer::kPidNamespace, "pid"},
    {Layer::kIpcNamespace, "ipc"},
    {Layer::kNetworkNamespace, "network"},
    {Layer::kSeccomp, "seccomp"},
    {Layer::kLandlock, "landlock"},
    {Layer::kRlimits, "rlimits"},
    {Layer::kCgroup, "cgroup"},
    {Layer::kNoNewPrivileges, "no-new-privileges"},
}};

}  // namespace

std::string names_of(Layers layers) {
  std::string names;
  for (const auto& [layer, name] : kNames) {
    if ((layers & static_cast<uint32_t>(layer)) != 0) names.append(names.empty() ? "" : ", ").append(name);
  }
  return names;
}

Result<Layers> layers_named(const std::vector<std::string>& names) {
  Layers layers = 0;
  for (const std::string& name : names) {
    const auto found = std::find_if(kNames.begin(), kNames.end(), [&](const auto& one) { return one.second == name; });
    if (found == kNames.end()) {
      return Error{Code::kInvalidArgument, name + " is no layer of a sandbox; there are " + names_of(kAllLayers),
                   "sandbox.layer"};
    }
    layers |= static_cast<uint32_t>(found->first);
  }
  return layers;
}

Namespaces wanted_namespaces(const Isolation& isolation) {
  Namespaces wanted;
  wanted.user = ::geteuid() != 0;
  wanted.mount = wanted.pid = wanted.ipc = wanted.uts = true;
  wanted.network = isolation.network != Network::kAll;
  return wanted;
}

Layers layers_of(const Namespaces& namespaces) {
  Layers layers = 0;
  const auto add = [&layers](bool there, Layer layer) {
    if (there) layers |= static_cast<uint32_t>(layer);
  };
  add(namespaces.user, Layer::kUserNamespace);
  add(namespaces.mount, Layer::kMountNamespace);
  add(namespaces.pid, Layer::kPidNamespace);
  add(namespaces.ipc, Layer::kIpcNamespace);
  add(namespaces.network, Layer::kNetworkNamespace);
  return layers;
}

Layers needed_layers(const Isolation& isolation) {
  if (isolation.network != Network::kReach) return 0;
  const Layers always = static_cast<Layers>(Layer::kNetworkNamespace) | static_cast<Layers>(Layer::kMountNamespace) |
                        static_cast<Layers>(Layer::kSeccomp);
  return isolation.paths.empty() ? always : always | static_cast<Layers>(Layer::kLandlock);
}

void put(Writer& writer, const Isolation& isolation) {
  writer.number(isolation.required);
  writer.number(isolation.have);
  writer.number(static_cast<uint8_t>(isolation.network));
  writer.text(isolation.hosts);
  writer.number(static_cast<uint32_t>(isolation.paths.size()));
  for (const Path& path : isolation.paths) {
    writer.text(path.path);
    writer.number(static_cast<uint8_t>(path.writable));
  }
  writer.number(static_cast<uint32_t>(isolation.devices.size()));
  for (const std::string& device : isolation.devices) writer.text(device);
  writer.text(isolation.package);
  writer.text(isolation.library);
  writer.number(isolation.user);
  writer.number(isolation.memory_bytes);
  writer.number(isolation.tmp_bytes);
  writer.number(isolation.threads);
  writer.number(isolation.open_files);
}

Isolation get_isolation(Reader& reader) {
  Isolation isolation;
  isolation.required = reader.number<Layers>();
  isolation.have = reader.number<Layers>();
  isolation.network = static_cast<Network>(reader.number<uint8_t>());
  isolation.hosts = reader.text();
  for (uint32_t left = reader.count(kMinPathBytes); left > 0; --left) {
    std::string path(reader.text());
    isolation.paths.push_back({std::move(path), reader.number<uint8_t>() != 0});
  }
  for (uint32_t left = reader.count(sizeof(uint32_t)); left > 0; --left) isolation.devices.emplace_back(reader.text());
  isolation.package = reader.text();
  isolation.library = reader.text();
  isolation.user = reader.number<uint32_t>();
  isolation.memory_bytes = reader.number<uint64_t>();
  isolation.tmp_bytes = reader.number<uint64_t>();
  isolation.threads = reader.number<uint32_t>();
  isolation.open_files = reader.number<uint32_t>();
  return isolation;
}

Status add_permissions(Isolation& isolation, const std::string& network, const std::vector<std::string>& paths,
                       const std::vector<std::string>& devices) {
  if (network == "all") {
    isolation.network = Network::kAll;
  } else if (network != "none" && !network.empty()) {
    isolation.reach = TRY(Reach::parse(network));
    isolation.hosts = isolation.reach->hosts_file();
    isolation.network = Network::kReach;
  }
  for (const std::string& path : paths) isolation.paths.push_back({path.substr(3), path.starts_with("rw:")});
  isolation.devices.insert(isolation.devices.end(), devices.begin(), devices.end());
  return {};
}

}  // namespace novacron::host::sandbox
