#include "controller.h"

#include "works.h"

namespace novacron::compute::controller {
namespace {

constexpr uint32_t kDefaultWorkers = 16;

}  // namespace

Controller::Controller() = default;
Controller::~Controller() = default;

Status Controller::configure(const Config& config) {
  if (works_ != nullptr && !(config == config_)) {
    return Error{.code = Code::kFailedPrecondition,
                 .message = "the configuration is read at the start: disable the plugin, change it, enable it",
                 .reason = "compute.restart-needed"};
  }
  if (!FailPoint::parse(config.fail_point)) {
    return Error{.code = Code::kInvalidArgument,
                 .message = "fail_point: no step is called \"" + config.fail_point + '"',
                 .reason = "compute.unknown-step"};
  }
  config_ = config;
  return {};
}

Status Controller::start() {
  works_ =
      std::make_unique<Works>(host(), config_.workers.value_or(kDefaultWorkers), *FailPoint::parse(config_.fail_point));
  works_->start();
  return {};
}

void Controller::stop() {
  works_.reset();
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

}  // namespace novacron::compute::controller
