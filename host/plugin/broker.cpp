#include "host/plugin/broker.h"

#include <algorithm>
#include <cassert>

#include "host/plugin/core.h"
#include "host/plugin/frame.h"
#include "host/plugin/host_service.h"
#include "host/plugin/instance.h"

namespace novacron::host::plugin {

Core::Core(Broker::Options given)
    : options(std::move(given)),
      nodes{options.node, {options.other_nodes.begin(), options.other_nodes.end()}},
      timers(*options.clock) {
  assert(options.pool && options.bus && options.clock && options.random);
  Crew::Options crew{"completions of the host"};
  crew.max_running = kMaxServiceWorkers;
  crew.reentrant = true;
  completions = std::make_shared<Crew>(*options.pool, timers, *options.clock, std::move(crew));
}

Core::~Core() {
  for (auto& callback : completions->close()) callback();
}

uint64_t effective_deadline_ns(uint64_t now_ns, uint64_t deadline_ns, uint64_t default_timeout_ns) {
  if (deadline_ns != 0) return std::min(deadline_ns, now_ns + kMaxTimeoutNs);
  return now_ns + std::min(default_timeout_ns == 0 ? kDefaultTimeoutNs : default_timeout_ns, kMaxTimeoutNs);
}

Broker::Broker(Options options) : core_(std::make_shared<Core>(std::move(options))) {}

Broker::~Broker() {
  assert(core_->services.empty());
}

Status Broker::offer(Service& service) {
  auto endpoint = std::make_shared<HostEndpoint>(*core_, service);
  TRY_STATUS(core_->routes.add(endpoint));
  std::lock_guard lock(core_->mutex);
  core_->services.push_back(std::move(endpoint));
  return {};
}

void Broker::withdraw(Service& service) {
  std::shared_ptr<HostEndpoint> endpoint;
  {
    std::lock_guard lock(core_->mutex);
    auto& services = core_->services;
    const auto found = std::find_if(services.begin(), services.end(),
                                    [&](const auto& candidate) { return candidate->serves(service); });
    if (found == services.end()) return;
    endpoint = std::move(*found);
    services.erase(found);
  }
  core_->routes.remove(*endpoint);
  endpoint->close();
}

bool Broker::provided(std::string_view service) const {
  return core_->routes.snapshot()->providers.contains(service);
}

std::vector<std::string> Broker::abandoned() const {
  return core_->abandoned.plugins();
}

size_t Broker::revoke_contexts(std::string_view principal) {
  std::vector<std::weak_ptr<Instance>> instances;
  {
    std::lock_guard lock(core_->mutex);
    instances = core_->instances;
  }
  size_t revoked = 0;
  for (const auto& weak : instances) {
    if (const auto instance = weak.lock()) revoked += instance->revoke_contexts(principal);
  }
  return revoked;
}

}  // namespace novacron::host::plugin
