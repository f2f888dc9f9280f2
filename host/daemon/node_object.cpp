#include "host/daemon/node_object.h"

#include <sys/utsname.h>

#include "host/daemon/version.h"
#include "novacron/core/v1/host.pb.h"

namespace novacron::host::daemon {

namespace api = novacron::core::v1;

Status publish_node(resource::Store& store, const auth::ContextPtr& context, const NodeFacts& facts) {
  const resource::ObjectRef ref{std::string(resource::kNodeKind), "", facts.name};
  auto object = store.get(context, ref);
  if (object.code() == Code::kNotFound) {
    api::Metadata metadata;
    metadata.set_name(facts.name);
    if (facts.is_played) (*metadata.mutable_labels())["novacron.dev/fleet"] = "true";
    const auto created = store.create(
        context, ref, resource::Body::parts(metadata.SerializeAsString(), api::NodeSpec().SerializeAsString()));
    if (!created.ok() && created.code() != Code::kAlreadyExists) return created.error();
    object = store.get(context, ref);
  }
  if (!object.ok()) return object.error();
  utsname machine{};
  ::uname(&machine);
  api::NodeStatus status;
  status.set_phase(api::NodeStatus::PHASE_READY);
  status.set_address(facts.address);
  status.set_host_version(std::string(kVersion));
  status.set_incarnation(facts.incarnation);
  status.set_operating_system(std::string(machine.sysname) + " " + machine.release);
  status.set_architecture(machine.machine);
  status.set_observed_generation(object->generation);
  const auto written = store.update_status(context, ref, status.SerializeAsString());
  return written.ok() ? Status() : written.error();
}

}  // namespace novacron::host::daemon
