#include "compute_node.h"

#include <libvirt/libvirt.h>

#include <fstream>
#include <utility>

#include "domain.h"
#include "novacron/core/v1/resource.nc.h"
#include "novacron/host.h"

namespace novacron::kvm {
namespace {

namespace api = compute::v1;
namespace core = core::v1;

constexpr const char* kDriver = "kvm";
constexpr const char* kNodeKind = "novacron.core/Node";

api::DriverCapabilities capabilities(const std::string& engine, const std::string& accelerator) {
  api::DriverCapabilities out;
  out.engine = engine;
  out.accelerators = {accelerator};
  out.pause = out.console = out.stats = out.user_data = true;
  out.image_formats = {api::ImageFormat::kRaw, api::ImageFormat::kQcow2};
  using Mode = api::NetworkCard::Mode;
  out.network_modes = {Mode::kUser, Mode::kBridge, Mode::kNone};
  return out;
}

std::string cpu_model() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    const size_t colon = line.find(": ");
    if (line.compare(0, 10, "model name") == 0 && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "";
}

core::ObjectRef reference(const std::string& kind, const std::string& name) {
  core::ObjectRef ref;
  ref.kind = kind;
  ref.name = name;
  return ref;
}

Result<core::Object> create(const core::ResourcesClient& resources, const std::string& node, const std::string& name) {
  core::GetRequest owner_request;
  owner_request.ref = reference(kNodeKind, node);
  const core::Object owner = NC_TRY(resources.get(owner_request));
  api::ComputeNodeSpec spec;
  spec.node = node;
  spec.driver = kDriver;
  core::OwnerRef owner_ref;
  owner_ref.kind = kNodeKind;
  owner_ref.name = node;
  owner_ref.uid = owner.metadata ? owner.metadata->uid : "";
  core::Object object;
  object.kind = api::ComputeNode::kKind;
  object.metadata.emplace();
  object.metadata->name = name;
  object.metadata->owners.push_back(std::move(owner_ref));
  object.spec = encode(spec);
  core::CreateRequest request;
  request.object = std::move(object);
  return resources.create(request);
}

}  // namespace

Result<std::string> node_name(const Host& host) {
  nc_caller self = {};
  self.size = sizeof self;
  // Context 0 is the plugin itself.
  const nc_code code = host.table()->context_info(host.table()->self, 0, &self);
  if (code != NC_OK || self.node.len == 0) {
    return Error{.code = Code::kUnavailable,
                 .message = "the host does not say its node's name",
                 .reason = "compute.node-unknown"};
  }
  return std::string(view(self.node));
}

Result<api::DriverDescription> describe_node(virConnectPtr connection, const std::string& accelerator,
                                             uint64_t reserved_memory_bytes) {
  virNodeInfo info = {};
  unsigned long library = 0, hypervisor = 0;
  if (virNodeGetInfo(connection, &info) != 0 || virConnectGetLibVersion(connection, &library) != 0 ||
      virConnectGetVersion(connection, &hypervisor) != 0) {
    return libvirt_error("describe the node");
  }
  const uint64_t memory = uint64_t{info.memory} * 1024;
  api::ComputeNodeStatus node;
  node.cpus = info.cpus;
  node.memory_bytes = memory > reserved_memory_bytes ? memory - reserved_memory_bytes : 0;
  node.cpu_model = cpu_model();
  node.accelerator = accelerator;
  node.capabilities =
      capabilities("libvirt " + version_text(library) + ", QEMU " + version_text(hypervisor), accelerator);
  api::DriverDescription description;
  description.capabilities = node.capabilities;
  description.node = std::move(node);
  return description;
}

Status publish_node(const Host& host, const std::string& node, const api::ComputeNodeStatus& status) {
  const core::ResourcesClient resources(host);
  const std::string name = node + "-" + kDriver;
  core::GetRequest get_request;
  get_request.ref = reference(std::string(api::ComputeNode::kKind), name);
  auto object = resources.get(get_request);
  if (object.code() == Code::kNotFound) object = create(resources, node, name);
  if (!object.ok()) return wrap(std::move(object).error(), "compute node " + name);
  api::ComputeNodeStatus wanted = status;
  wanted.observed_generation = object->metadata ? object->metadata->generation : 0;
  core::UpdateStatusRequest request;
  request.ref = get_request.ref;
  request.status = encode(wanted);
  if (request.status == object->status) return {};
  const auto updated = resources.update_status(request);
  if (!updated.ok()) return wrap(updated.error(), "compute node " + name);
  return {};
}

}  // namespace novacron::kvm
