#include "host/daemon/contract_controller.h"

#include <utility>

#include "host/resource/keys.h"
#include "novacron/core/v1/host.pb.h"

namespace novacron::host::daemon {

namespace api = novacron::core::v1;

ContractController::ContractController(resource::Store& store, auth::ContextPtr context)
    : store_(store),
      context_(std::move(context)),
      follower_(store, context_, "contracts",
                {std::string(resource::kContractKind), std::string(resource::kPluginKind)},
                [this](const auto&) { return refresh(); }) {}

Status ContractController::refresh() {
  const Providers now = TRY(providers());
  return each_object(store_, context_, resource::kContractKind,
                     [&](const resource::ObjectView& contract) { return write_status(contract, now); });
}

Result<ContractController::Providers> ContractController::providers() {
  Providers out;
  TRY_STATUS(each_object(store_, context_, resource::kPluginKind, [&out](const resource::ObjectView& plugin) -> Status {
    api::PluginStatus status;
    if (!status.ParseFromString(plugin.status)) return Error{Code::kDataLoss, "corrupt status", "message.corrupt"};
    for (const std::string& provided : status.provides()) {
      out[provided.substr(0, provided.find('@'))].insert(plugin.ref.name);
    }
    return {};
  }));
  return out;
}

Status ContractController::write_status(const resource::ObjectView& contract, const Providers& providers) {
  api::ContractSpec spec;
  api::ContractStatus status;
  if (!spec.ParseFromString(contract.spec) || !status.ParseFromString(contract.status)) {
    return Error{Code::kDataLoss, "corrupt contract " + contract.ref.name, "message.corrupt"};
  }
  status.clear_providers();
  const auto found = providers.find(spec.package());
  if (found != providers.end()) status.mutable_providers()->Add(found->second.begin(), found->second.end());
  status.set_observed_generation(contract.generation);
  const std::string bytes = status.SerializeAsString();
  if (bytes == contract.status) return {};
  const auto written = store_.update_status(context_, contract.ref, bytes);
  return written.ok() || written.code() == Code::kNotFound ? Status() : written.error();  // gone meanwhile
}

}  // namespace novacron::host::daemon
