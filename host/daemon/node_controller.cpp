#include "host/daemon/node_controller.h"

#include <utility>

#include "novacron/core/v1/host.pb.h"

namespace novacron::host::daemon {

namespace api = novacron::core::v1;

NodeController::NodeController(resource::Store& store, auth::ContextPtr context, std::set<std::string> nodes)
    : store_(store),
      context_(std::move(context)),
      nodes_(std::move(nodes)),
      follower_(store, context_, "nodes", {std::string(resource::kNodeKind)},
                [this](const auto& changes) { return look(changes); }) {}

Status NodeController::look(const std::vector<resource::Event>& changes) {
  if (changes.empty()) {
    return each_object(store_, context_, resource::kNodeKind,
                       [this](const resource::ObjectView& node) { return write_status(node); });
  }
  for (const auto& change : changes) {
    if (change.type == resource::Event::Type::kPut) TRY_STATUS(write_status(change.object));
  }
  return {};
}

Status NodeController::write_status(const resource::ObjectView& node) {
  if (!nodes_.contains(node.ref.name)) return {};
  api::NodeStatus status;
  if (!status.ParseFromString(node.status)) {
    return Error{Code::kDataLoss, "corrupt status of node " + node.ref.name, "message.corrupt"};
  }
  if (status.observed_generation() == node.generation) return {};
  status.set_observed_generation(node.generation);
  const auto written = store_.update_status(context_, node.ref, status.SerializeAsString(), node.status_revision);
  // It is gone, or has changed since, of which an event tells.
  const bool is_old = written.code() == Code::kNotFound || written.code() == Code::kAborted;
  return written.ok() || is_old ? Status() : written.error();
}

}  // namespace novacron::host::daemon
