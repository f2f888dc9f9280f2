#include "host/plugin/routes.h"

#include <algorithm>

namespace novacron::host::plugin {

Result<Provider> RouteSnapshot::find(std::string_view service, const Target& target, const LocalNodes& here) const {
  if (!target.node.empty() && !here.contains(target.node)) {
    return Error{Code::kUnavailable, "node " + target.node + " cannot be reached from " + here.name,
                 "node.unreachable"};
  }
  const auto found = providers.find(service);
  if (found != providers.end()) {
    if (target.plugin.empty()) return found->second.begin()->second;
    const auto chosen = found->second.find(target.plugin);
    if (chosen != found->second.end()) return chosen->second;
  }
  std::string who = target.plugin.empty() ? "no enabled plugin" : "plugin " + target.plugin + " is not enabled or";
  return Error{Code::kUnavailable,
               who + (target.plugin.empty() ? " provides " : " does not provide ") + std::string(service),
               "plugin.no-provider"};
}

RouteTable::RouteTable() {
  auto first = std::make_shared<RouteSnapshot>();
  first->version = 1;
  current_ = std::move(first);
}

Status RouteTable::add(const std::shared_ptr<Endpoint>& endpoint) {
  std::lock_guard lock(mutex_);
  auto next = std::make_shared<RouteSnapshot>(*current_);
  const auto& services = endpoint->services();
  for (uint32_t i = 0; i < services.size(); ++i) {
    const auto added = next->providers[services[i].name].emplace(endpoint->plugin(), Provider{endpoint, i});
    if (added.second) continue;
    return Error{Code::kAlreadyExists, services[i].name + " is provided already", "host.service-exists"};
  }
  publish(std::move(next));
  return {};
}

void RouteTable::remove(const Endpoint& endpoint) {
  std::lock_guard lock(mutex_);
  auto next = std::make_shared<RouteSnapshot>(*current_);
  erase(*next, endpoint);
  publish(std::move(next));
}

void RouteTable::replace(const Endpoint& old, const std::shared_ptr<Endpoint>& next) {
  std::lock_guard lock(mutex_);
  auto snapshot = std::make_shared<RouteSnapshot>(*current_);
  erase(*snapshot, old);
  const auto& services = next->services();
  for (uint32_t i = 0; i < services.size(); ++i) {
    snapshot->providers[services[i].name].insert_or_assign(next->plugin(), Provider{next, i});
  }
  publish(std::move(snapshot));
}

void RouteTable::erase(RouteSnapshot& from, const Endpoint& endpoint) {
  for (auto service = from.providers.begin(); service != from.providers.end();) {
    auto& by_plugin = service->second;
    const auto mine = by_plugin.find(endpoint.plugin());
    if (mine != by_plugin.end() && mine->second.endpoint.get() == &endpoint) by_plugin.erase(mine);
    service = by_plugin.empty() ? from.providers.erase(service) : std::next(service);
  }
}

void RouteTable::publish(std::shared_ptr<RouteSnapshot> next) {
  ++next->version;
  const uint64_t version = next->version;
  current_ = std::move(next);
  version_.store(version, std::memory_order_release);
}

RouteSnapshotPtr RouteTable::snapshot() const {
  std::lock_guard lock(mutex_);
  return current_;
}

Route::Route(ServiceSpec wanted, Target target) : wanted_(std::move(wanted)), target_(std::move(target)) {}

Result<Route::BindingPtr> Route::resolve(const RouteTable& table, const LocalNodes& here) {
  {
    std::lock_guard lock(mutex_);
    if (binding_ && binding_->version == table.version()) return binding_;
    binding_ = nullptr;
  }
  const RouteSnapshotPtr snapshot = table.snapshot();
  auto made = std::make_shared<Binding>();
  made->version = snapshot->version;
  made->provider = TRY(snapshot->find(wanted_.name, target_, here));
  const auto& offered = made->provider.spec().methods;
  for (const MethodSpec& method : wanted_.methods) {
    const auto found = std::find_if(offered.begin(), offered.end(),
                                    [&](const MethodSpec& candidate) { return candidate.name == method.name; });
    made->methods.push_back(found == offered.end() ? Binding::kUnknown
                                                   : static_cast<uint32_t>(found - offered.begin()));
  }
  std::lock_guard lock(mutex_);
  binding_ = made;
  return BindingPtr(std::move(made));
}

bool Route::same(const ServiceSpec& wanted, const Target& target) const {
  const auto same_method = [](const MethodSpec& a, const MethodSpec& b) {
    return a.name == b.name && a.flags == b.flags && a.default_timeout_ns == b.default_timeout_ns;
  };
  return wanted.name == wanted_.name && target.plugin == target_.plugin && target.node == target_.node &&
         std::equal(wanted.methods.begin(), wanted.methods.end(), wanted_.methods.begin(), wanted_.methods.end(),
                    same_method);
}

}  // namespace novacron::host::plugin
