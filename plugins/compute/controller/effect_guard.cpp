#include "effect_guard.h"

#include <algorithm>
#include <array>

#include "steps.h"

namespace novacron::compute::controller {
namespace {

/// The calls that change nothing.
constexpr std::array<std::string_view, 7> kReads = {
    "novacron.core.v1.Resources/Get",
    "novacron.core.v1.Resources/List",
    "novacron.core.v1.Resources/Watch",
    "novacron.compute.v1.Driver/Get",
    "novacron.compute.v1.Driver/Stats",
    "novacron.compute.v1.Driver/Console",
    "novacron.scheduling.v1.Scheduler/Schedule",
};

EffectGuard* guard = nullptr;  // the host's table hands its own pointer to the functions that are replaced

}  // namespace

EffectGuard::EffectGuard(const Host& real) : real_(real), table_(*real.table()), host_(&table_) {
  table_.connect = connect;
  table_.call = call;
  table_.publish = publish;
  guard = this;
}

EffectGuard::~EffectGuard() {
  guard = nullptr;
}

nc_route EffectGuard::connect(void* self, const nc_service* wanted, const nc_target* target) {
  const nc_route route = guard->real_.table()->connect(self, wanted, target);
  const std::lock_guard lock(guard->mutex_);
  guard->services_[route] = wanted;
  return route;
}

nc_call EffectGuard::call(void* self, nc_route route, const nc_request* request, void* ctx,
                          void (*done)(void*, nc_call, const nc_result*)) {
  const std::string method = guard->method_of(route, request->method);
  if (std::find(kReads.begin(), kReads.end(), method) == kReads.end()) guard->check(method);
  return guard->real_.table()->call(self, route, request, ctx, done);
}

nc_code EffectGuard::publish(void* self, nc_context context, const nc_event* event) {
  guard->check("event " + std::string(view(event->subject)));
  return guard->real_.table()->publish(self, context, event);
}

std::string EffectGuard::method_of(nc_route route, uint32_t method) {
  const std::lock_guard lock(mutex_);
  const auto service = services_.find(route);
  if (service == services_.end() || method >= service->second->methods_len) return "unknown";
  return std::string(view(service->second->name)) + "/" + std::string(view(service->second->methods[method]->name));
}

void EffectGuard::check(const std::string& effect) const {
  if (!StepScope::is_under_way()) real_.error(kEffectOutside, {{"effect", effect}});
}

}  // namespace novacron::compute::controller
