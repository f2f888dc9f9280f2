#include "controller.h"

#include <cstdlib>

#include "effect_guard.h"
#include "plans.h"
#include "works.h"

namespace novacron::compute::controller {
namespace {

constexpr uint32_t kDefaultWorkers = 16;
constexpr const char* kFailPointVariable = "NOVACRON_COMPUTE_FAIL_POINT";

}  // namespace

Controller::Controller() = default;
Controller::~Controller() = default;

Status Controller::configure(const Config& config) {
  if (works_ != nullptr && !(config == config_)) {
    return Error{.code = Code::kFailedPrecondition,
                 .message = "the configuration is read at the start: disable the plugin, change it, enable it",
                 .reason = "compute.restart-needed"};
  }
  config_ = config;
  return {};
}

Status Controller::start() {
  const char* const named = std::getenv(kFailPointVariable);
  const auto fail_point = FailPoint::parse(named == nullptr ? "" : named);
  if (!fail_point) {
    return Error{.code = Code::kInvalidArgument,
                 .message = std::string(kFailPointVariable) + ": no step is called \"" + named + '"',
                 .reason = "compute.unknown-step"};
  }
  if (fail_point->is_set()) guard_ = std::make_unique<EffectGuard>(host());
  Host& watched = guard_ ? guard_->host() : host();
  works_ = std::make_unique<Works>(watched, config_.workers.value_or(kDefaultWorkers), *fail_point);
  works_->start();
  return {};
}

void Controller::stop() {
  works_.reset();
  guard_.reset();
}

Result<Machine> Controller::placed_machine(Call& call, const std::optional<core::v1::ObjectRef>& object) {
  const ResourceKey key = object ? ResourceKey{object->tenant, object->name} : ResourceKey{};
  const ResourceClient<v1::VirtualMachine> machines(host());
  Machine machine = NC_TRY(machines.get(key, call.on_behalf()));
  if (machine.status.node.empty()) {
    return Error{.code = Code::kFailedPrecondition,
                 .message = machine.metadata.name + " has no node yet: start it first",
                 .reason = "compute.not-placed"};
  }
  return machine;
}

Result<v1::ConsoleReply> Controller::console(Call& call, const v1::ConsoleRequest& request) {
  const Machine machine = NC_TRY(placed_machine(call, request.object));
  Fds console;
  v1::GuestRequest guest;
  guest.uid = machine.metadata.uid;
  const auto reply = NC_TRY(works_->world().driver_of(machine).console(guest, {.received = &console}));
  for (Fd& fd : console) call.attach(std::move(fd));
  return reply;
}

Result<v1::GuestStats> Controller::stats(Call& call, const v1::StatsRequest& request) {
  const Machine machine = NC_TRY(placed_machine(call, request.object));
  v1::GuestRequest guest;
  guest.uid = machine.metadata.uid;
  return works_->world().driver_of(machine).stats(guest);
}

Result<core::v1::PlanReply> Controller::plan(Call&, const core::v1::PlanRequest& request) {
  core::v1::PlanReply reply;
  const auto machine = [](const std::optional<core::v1::Object>& object) -> Result<std::optional<Machine>> {
    if (!object || object->kind != v1::VirtualMachine::kKind) return std::optional<Machine>();
    return std::optional<Machine>(NC_TRY(resource_of<v1::VirtualMachine>(*object)));
  };
  const auto before = NC_TRY(machine(request.before));
  const auto after = NC_TRY(machine(request.after));
  if (!before && !after) return reply;
  reply.effects = plan_effects(works_->world(), works_->inventory(), before, after);
  return reply;
}

}  // namespace novacron::compute::controller
