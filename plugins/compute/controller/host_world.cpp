#include "host_world.h"

namespace novacron::compute::controller {
namespace {

constexpr uint64_t kDefaultGraceNs = 30'000'000'000;
constexpr uint64_t kStopMarginNs = 60'000'000'000;  // for the force that follows the grace

v1::GuestRequest request_for(const Machine& machine, uint64_t fence) {
  v1::GuestRequest request;
  request.uid = machine.metadata.uid;
  request.claim_fence = fence;
  return request;
}

}  // namespace

Status HostWorld::add_finalizer(const Machine& machine) {
  StepScope step(fail_point_, Step::kAddFinalizer);
  const auto added = machines_.add_finalizer(machine, std::string(kFinalizer));
  return added.ok() ? Status() : added.error();
}

Status HostWorld::remove_finalizer(const Machine& machine) {
  StepScope step(fail_point_, Step::kRemoveFinalizer);
  const auto removed = machines_.remove_finalizer(machine, std::string(kFinalizer));
  // Gone already: an earlier attempt was answered too late.
  return removed.ok() || removed.code() == Code::kNotFound ? Status() : removed.error();
}

Status HostWorld::store_status(Machine& machine, v1::VirtualMachineStatus status) {
  Machine changed = machine;
  changed.status = std::move(status);
  machine = NC_TRY(machines_.update_status(changed));
  return {};
}

Status HostWorld::write_status(Machine& machine, v1::VirtualMachineStatus status) {
  StepScope step(fail_point_, Step::kWriteStatus);
  return store_status(machine, std::move(status));
}

Status HostWorld::bind(Machine& machine, v1::VirtualMachineStatus status) {
  StepScope step(fail_point_, Step::kBind);
  return store_status(machine, std::move(status));
}

Result<scheduling::v1::ScheduleReply> HostWorld::schedule(const scheduling::v1::ScheduleRequest& request) {
  StepScope step(fail_point_, Step::kSchedule);
  return scheduler_.schedule(request);
}

core::v1::ClaimsClient HostWorld::claims_of(const Machine& machine) const {
  return core::v1::ClaimsClient(host_, {.node = machine.status.node});
}

Result<uint64_t> HostWorld::acquire_claim(const Machine& machine) {
  StepScope step(fail_point_, Step::kAcquireClaim);
  core::v1::AcquireClaimRequest request;
  request.uid = machine.metadata.uid;
  return NC_TRY(claims_of(machine).acquire(request)).fence;
}

Status HostWorld::release_claim(const Machine& machine, uint64_t fence) {
  StepScope step(fail_point_, Step::kReleaseClaim);
  core::v1::ReleaseClaimRequest request;
  request.uid = machine.metadata.uid;
  request.fence = fence;
  const auto released = claims_of(machine).release(request);
  if (released.ok() || released.code() == Code::kNotFound) return {};
  return released.error();
}

v1::DriverClient HostWorld::driver_of(const Machine& machine) const {
  return v1::DriverClient(host_, {.plugin = machine.spec.driver, .node = machine.status.node});
}

Result<v1::GuestStatus> HostWorld::read_guest(const Machine& machine) {
  StepScope step(fail_point_, Step::kReadGuest);
  return driver_of(machine).get(request_for(machine, 0));
}

Result<v1::GuestStatus> HostWorld::start_guest(const Machine& machine, uint64_t fence) {
  StepScope step(fail_point_, Step::kStartGuest);
  v1::StartRequest request;
  v1::Guest guest;
  guest.uid = machine.metadata.uid;
  guest.tenant = machine.metadata.tenant;
  guest.name = machine.metadata.name;
  guest.spec = machine.spec;
  request.guest = guest;
  request.claim_fence = fence;
  return driver_of(machine).start(request);
}

Result<v1::GuestStatus> HostWorld::pause_guest(const Machine& machine, uint64_t fence) {
  StepScope step(fail_point_, Step::kPauseGuest);
  return driver_of(machine).pause(request_for(machine, fence));
}

Result<v1::GuestStatus> HostWorld::resume_guest(const Machine& machine, uint64_t fence) {
  StepScope step(fail_point_, Step::kResumeGuest);
  return driver_of(machine).resume(request_for(machine, fence));
}

Result<v1::GuestStatus> HostWorld::stop_guest(const Machine& machine, uint64_t fence) {
  StepScope step(fail_point_, Step::kStopGuest);
  v1::StopRequest request;
  request.uid = machine.metadata.uid;
  request.claim_fence = fence;
  request.grace_ns = machine.spec.stop_grace_ns.value_or(kDefaultGraceNs);
  return driver_of(machine).stop(request, {.timeout_ns = request.grace_ns + kStopMarginNs});
}

Result<v1::GuestStatus> HostWorld::delete_guest(const Machine& machine, uint64_t fence) {
  StepScope step(fail_point_, Step::kDeleteGuest);
  return driver_of(machine).delete_(request_for(machine, fence));
}

void HostWorld::publish(const Machine& machine, std::string_view subject) {
  StepScope step(fail_point_, Step::kPublish);
  const auto& metadata = machine.metadata;
  // Names, tenants and uids have no character that JSON would escape.
  const std::string body = R"({"kind":")" + std::string(v1::VirtualMachine::kKind) + R"(","tenant":")" +
                           metadata.tenant + R"(","name":")" + metadata.name + R"(","uid":")" + metadata.uid + "\"}";
  const Status published = host_.publish(subject, body, {.tenant = metadata.tenant, .revision = metadata.revision});
  if (!published.ok()) host_.warn("event not published", {{"subject", subject}, {"why", published.error().message}});
}

void HostWorld::publish_orphan(const Event& event) {
  StepScope step(fail_point_, Step::kPublish);
  (void)host_.publish("vm.orphan", event.body, {.tenant = event.tenant});
}

}  // namespace novacron::compute::controller
