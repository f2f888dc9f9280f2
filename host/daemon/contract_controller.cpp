#include "host/daemon/contract_controller.h"

#include <chrono>
#include <functional>
#include <utility>

#include "host/base/log.h"
#include "host/resource/keys.h"
#include "novacron/core/v1/host.pb.h"

namespace novacron::host::daemon {
namespace {

namespace api = novacron::core::v1;

constexpr std::string_view kComponent = "contracts";
constexpr size_t kEventsAtOnce = 64;
constexpr std::chrono::milliseconds kPause{200};

Status each_object(resource::Store& store, const auth::ContextPtr& context, std::string_view kind,
                   const std::function<Status(const resource::ObjectView&)>& work) {
  resource::ListOptions all;
  all.kind = kind;
  do {
    const auto page = TRY(store.list(context, all));
    for (const auto& object : page.objects) TRY_STATUS(work(object));
    all.page_token = page.next_page_token;
  } while (!all.page_token.empty());
  return {};
}

/// What changed is of no interest: everything is looked at.
Status drain(resource::Watch& watch) {
  while (!TRY(watch.take(kEventsAtOnce)).empty()) {
  }
  return {};
}

}  // namespace

ContractController::ContractController(resource::Store& store, auth::ContextPtr context)
    : store_(store), context_(std::move(context)) {}

ContractController::~ContractController() {
  stop();
}

void ContractController::start() {
  follower_ = std::thread([this] { follow(); });
}

void ContractController::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (follower_.joinable()) follower_.join();
}

void ContractController::wake() {
  {
    const std::lock_guard lock(mutex_);
    changed_ = true;
  }
  wake_.notify_all();
}

bool ContractController::is_stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

bool ContractController::wait_for_change() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return changed_ || stopping_; });
  changed_ = false;
  return !stopping_;
}

void ContractController::pause() {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, kPause, [this] { return stopping_; });
}

void ContractController::follow() {
  do {
    const Status ended = follow_once();
    if (ended.ok() || is_stopping()) return;
    log_debug(kComponent, "watch of contracts starts anew", {{"why", ended.error().message}});
    pause();
  } while (!is_stopping());
}

Status ContractController::follow_once() {
  resource::WatchOptions of_contracts;
  of_contracts.kind = resource::kContractKind;
  resource::WatchOptions of_plugins;
  of_plugins.kind = resource::kPluginKind;
  const auto contracts = TRY(store_.watch(context_, of_contracts, [this] { wake(); }));
  const auto plugins = TRY(store_.watch(context_, of_plugins, [this] { wake(); }));
  do {
    TRY_STATUS(drain(*contracts));
    TRY_STATUS(drain(*plugins));
    TRY_STATUS(refresh());
  } while (wait_for_change());
  return {};
}

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
