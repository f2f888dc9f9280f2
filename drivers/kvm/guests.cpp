#include "guests.h"

#include <libvirt/libvirt.h>

#include <algorithm>
#include <utility>

#include "domain.h"
#include "guest_state.h"
#include "stats.h"
#include "text.h"

namespace novacron::kvm {
namespace {

namespace api = compute::v1;
using State = api::GuestStatus::State;

constexpr uint64_t kTurnTimeoutMs = 120'000;  // an image may have to be copied meanwhile
constexpr unsigned kUndefineFlags = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
                                    VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | VIR_DOMAIN_UNDEFINE_NVRAM;

Error not_running(const std::string& uid) {
  return Error{
      .code = Code::kFailedPrecondition, .message = "guest " + uid + " does not run", .reason = "compute.not-running"};
}

Status check_uid(const std::string& uid) {
  if (is_uid(uid)) return {};
  return Error{
      .code = Code::kInvalidArgument, .message = "\"" + uid + "\" is no uid", .reason = "compute.invalid-guest"};
}

}  // namespace

struct Guests::Handle {
  std::shared_ptr<_virConnect> connection;
  Domain domain;  ///< null: there is none

  bool is_active() const { return domain && virDomainIsActive(domain.get()) == 1; }
};

Guests::Guests(Connection& connection, const Folder& folder, ImageSource& images, GuestsOptions options,
               GuestsObserver& observer, std::function<uint64_t()> real_ns)
    : connection_(connection),
      folder_(folder),
      options_(std::move(options)),
      observer_(observer),
      real_ns_(std::move(real_ns)),
      disks_(folder, images),
      records_(folder, real_ns_),
      consoles_(connection, folder,
                [&observer](const std::string& uid, const Error& why) { observer.console_input_failed(uid, why); }) {}

Status Guests::start_up() {
  NC_TRY_STATUS(disks_.prepare());
  NC_TRY_STATUS(records_.load());
  return consoles_.start();
}

Result<Guests::Handle> Guests::find(const std::string& uid) {
  Handle handle{.connection = NC_TRY(connection_.get()), .domain = {}};
  handle.domain = NC_TRY(find_domain(handle.connection.get(), uid));
  if (handle.domain && domain_name(uid) != virDomainGetName(handle.domain.get())) {
    return Error{.code = Code::kFailedPrecondition,
                 .message = std::string("the domain ") + virDomainGetName(handle.domain.get()) +
                            " has the guest's UUID and is not this driver's",
                 .reason = "compute.foreign-domain"};
  }
  return handle;
}

Result<Guests::Handle> Guests::find_running(const std::string& uid) {
  NC_TRY_STATUS(check_uid(uid));
  Handle handle = NC_TRY(find(uid));
  if (!handle.is_active()) return not_running(uid);
  return handle;
}

// ---- status
// -----------------------------------------------------------------------------------------------------------------------

Result<api::GuestStatus> Guests::refresh(const std::string& uid) {
  const std::lock_guard lock(refreshing_);
  api::GuestStatus status = NC_TRY(read(uid));
  const auto before = board_.set(status);
  if (!before) return status;
  const bool ran = is_active(before->state), runs = is_active(status.state);
  if (ran && !runs) consoles_.guest_ended(uid);
  observer_.guest_changed({.before = *before, .after = status, .tenant = records_.get(uid).tenant});
  return status;
}

Result<api::GuestStatus> Guests::read(const std::string& uid) {
  const Handle handle = NC_TRY(find(uid));
  api::GuestStatus status;
  status.uid = uid;
  status.claim_fence = records_.get(uid).claim_fence;
  if (!handle.domain) {
    status.state = folder_.contains("guests/" + uid) ? State::kStopped : State::kAbsent;
  } else {
    int state = 0, reason = 0;
    if (virDomainGetState(handle.domain.get(), &state, &reason, 0) != 0) return libvirt_error("read the guest's state");
    set_state(state, reason, status);
    note_run(handle.domain.get(), uid, status);
  }
  const std::lock_guard lock(mutex_);
  if (status.state == State::kRunning && stopping_.contains(uid)) status.state = State::kStopping;
  const auto failure = failures_.find(uid);
  if (failure != failures_.end() && !is_active(status.state)) {
    status.reason = failure->second.reason;
    status.message = failure->second.message;
  }
  return status;
}

/// libvirt does not say when a guest was started: the first look at a run is noted.
void Guests::note_run(virDomainPtr domain, const std::string& uid, api::GuestStatus& status) {
  if (!is_active(status.state)) return;
  const Text xml(virDomainGetXMLDesc(domain, 0));
  if (const auto view = parse_domain_xml(xml ? xml.get() : ""); view.ok()) status.accelerator = view->accelerator;
  Record record = records_.get(uid);
  const int run = static_cast<int>(virDomainGetID(domain));
  if (record.started_at_ns == 0 || record.run != run) {
    record.run = run;
    record.started_at_ns = real_ns_();
    (void)records_.put(uid, record);  // if it fails, the next look notes a later time
  }
  status.started_at = Timestamp::from_ns(record.started_at_ns);
}

Result<api::GuestStatus> Guests::get(const std::string& uid) {
  NC_TRY_STATUS(check_uid(uid));
  return refresh(uid);
}

Result<std::vector<api::GuestStatus>> Guests::list() {
  std::vector<api::GuestStatus> guests;
  for (const std::string& uid : records_.present()) {
    api::GuestStatus status = NC_TRY(refresh(uid));
    if (status.state != State::kAbsent) guests.push_back(std::move(status));
  }
  NC_TRY(connection_.get());  // without guests too: an empty list must mean that there are none
  return guests;
}

void Guests::refresh_all() {
  for (const std::string& uid : records_.present())
    (void)refresh(uid);  // a failure: the connection broke, and comes back
}

void Guests::refresh_known(const std::string& uid) {
  if (records_.is_present(uid)) (void)refresh(uid);
}

void Guests::trim_logs() {
  for (const std::string& uid : records_.present()) consoles_.trim_log(uid);
}

void Guests::set_stopping(const std::string& uid, bool stopping) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping)
      stopping_.insert(uid);
    else
      stopping_.extract(uid);
  }
  (void)refresh(uid);
}

void Guests::set_failure(const std::string& uid, const Error* error) {
  const std::lock_guard lock(mutex_);
  if (error == nullptr)
    failures_.erase(uid);
  else
    failures_[uid] = {error->reason, error->message};
}

// ---- start
// ------------------------------------------------------------------------------------------------------------------------

Result<api::GuestStatus> Guests::start(const api::StartRequest& request) {
  GuestPlan plan = NC_TRY(plan_guest(request.guest.value_or(api::Guest()), request.claim_fence));
  const std::string uid = plan.domain.uid;
  const Busy::Turn turn = NC_TRY(busy_.enter(uid, kTurnTimeoutMs));
  Record record = NC_TRY(records_.admit(uid, request.claim_fence));
  const Handle handle = NC_TRY(find(uid));
  const api::GuestStatus before = NC_TRY(refresh(uid));  // seen stopped, so that its start is seen as a change
  if (handle.is_active()) return before;
  const Status launched = launch(std::move(plan), std::move(record), handle.connection.get());
  set_failure(uid, launched.ok() || launched.code() == Code::kUnavailable ? nullptr : &launched.error());
  auto status = refresh(uid);
  if (!launched.ok()) return launched.error();
  return status;
}

Status Guests::launch(GuestPlan plan, Record record, virConnectPtr connection) {
  const std::set<std::string> images = plan.images();
  record.tenant = plan.domain.tenant;
  record.name = plan.domain.name;
  record.images.assign(images.begin(), images.end());
  record.started_at_ns = 0;
  record.present = true;
  NC_TRY_STATUS(records_.put(plan.domain.uid, record));  // before the images arrive: it keeps them
  NC_TRY_STATUS(make_files(plan));
  return run(plan.domain, connection);
}

Status Guests::make_files(GuestPlan& plan) {
  DomainPlan& domain = plan.domain;
  domain.accelerator = options_.accelerator;
  domain.emulator = options_.emulator;
  NC_TRY_STATUS(disks_.make_guest(domain.uid));
  if (!plan.kernel.empty()) domain.kernel_path = NC_TRY(disks_.image(plan.kernel));
  if (!plan.initrd.empty()) domain.initrd_path = NC_TRY(disks_.image(plan.initrd));
  for (const DiskOrder& order : plan.disks) domain.disks.push_back(NC_TRY(disks_.disk(domain.uid, order)));
  if (!plan.user_data.empty()) domain.disks.push_back(NC_TRY(disks_.seed(domain.uid, domain.name, plan.user_data)));
  domain.console_log_path = NC_TRY(disks_.new_console_log(domain.uid));
  return {};
}

Status Guests::run(const DomainPlan& plan, virConnectPtr connection) {
  const std::string xml = NC_TRY(domain_xml(plan));
  const Domain domain(virDomainDefineXMLFlags(connection, xml.c_str(), VIR_DOMAIN_DEFINE_VALIDATE));
  if (!domain) return libvirt_error("define the guest");
  if (virDomainCreateWithFlags(domain.get(), 0) == 0) return {};
  Error error = libvirt_error("start the guest");  // with QEMU's own last lines
  if (error.reason == "compute.engine-failed") error.reason = "compute.start-failed";
  return error;
}

// ---- stop
// -------------------------------------------------------------------------------------------------------------------------

Result<api::GuestStatus> Guests::stop(const api::StopRequest& request, const std::function<bool()>& cancelled) {
  NC_TRY_STATUS(check_uid(request.uid));
  int run = -1;
  NC_TRY_STATUS(begin_stop(request, run));
  if (run < 0) return refresh(request.uid);
  set_stopping(request.uid, true);
  if (request.grace_ns > 0) await_shutdown(request, cancelled);
  const Status ended =
      cancelled() ? Status(Error{.code = Code::kCancelled, .message = "the caller has gone"}) : end_stop(request, run);
  set_stopping(request.uid, false);
  NC_TRY_STATUS(ended);
  return refresh(request.uid);
}

/// `run` becomes the number of the run that is to end, or stays -1 when there is none.
Status Guests::begin_stop(const api::StopRequest& request, int& run) {
  const Busy::Turn turn = NC_TRY(busy_.enter(request.uid, kTurnTimeoutMs));
  NC_TRY(records_.admit(request.uid, request.claim_fence));
  const Handle handle = NC_TRY(find(request.uid));
  if (handle.is_active()) run = static_cast<int>(virDomainGetID(handle.domain.get()));
  return {};
}

/// Presses the power button, again after a while: a guest that is still booting does not see it. Returns when the guest
/// has ended, the grace is over, or there is no use in waiting: a paused guest cannot shut down.
void Guests::await_shutdown(const api::StopRequest& request, const std::function<bool()>& cancelled) {
  constexpr uint64_t kPressEveryMs = 5'000, kSliceMs = 200;
  const uint64_t grace_ms = request.grace_ns / 1'000'000;
  const auto ended = [](const api::GuestStatus& status) { return !is_active(status.state); };
  for (uint64_t waited_ms = 0; waited_ms < grace_ms && !cancelled(); waited_ms += kSliceMs) {
    const auto status = board_.get(request.uid);
    if (!status || status->state == State::kPaused) return;
    if (waited_ms % kPressEveryMs == 0) {
      if (const auto handle = find(request.uid); handle.ok() && handle->is_active()) {
        virDomainShutdownFlags(handle->domain.get(), VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN);
      }
    }
    if (board_.wait(request.uid, ended, std::min(kSliceMs, grace_ms - waited_ms))) return;
  }
}

/// By force, if the same run goes on and no later owner has spoken.
Status Guests::end_stop(const api::StopRequest& request, int run) {
  const Busy::Turn turn = NC_TRY(busy_.enter(request.uid, kTurnTimeoutMs));
  NC_TRY(records_.admit(request.uid, request.claim_fence));
  const Handle handle = NC_TRY(find(request.uid));
  if (!handle.is_active() || static_cast<int>(virDomainGetID(handle.domain.get())) != run) return {};
  if (virDomainDestroyFlags(handle.domain.get(), 0) == 0 || !handle.is_active()) return {};
  return libvirt_error("end the guest");
}

// ---- the rest
// ---------------------------------------------------------------------------------------------------------------------

Result<api::GuestStatus> Guests::pause(const api::GuestRequest& request) {
  NC_TRY_STATUS(check_uid(request.uid));
  const Busy::Turn turn = NC_TRY(busy_.enter(request.uid, kTurnTimeoutMs));
  NC_TRY(records_.admit(request.uid, request.claim_fence));
  const Handle handle = NC_TRY(find_running(request.uid));
  const api::GuestStatus status = NC_TRY(refresh(request.uid));
  if (status.state == State::kRunning && virDomainSuspend(handle.domain.get()) != 0)
    return libvirt_error("pause the guest");
  return refresh(request.uid);
}

Result<api::GuestStatus> Guests::resume(const api::GuestRequest& request) {
  NC_TRY_STATUS(check_uid(request.uid));
  const Busy::Turn turn = NC_TRY(busy_.enter(request.uid, kTurnTimeoutMs));
  NC_TRY(records_.admit(request.uid, request.claim_fence));
  const Handle handle = NC_TRY(find_running(request.uid));
  const api::GuestStatus status = NC_TRY(refresh(request.uid));
  if (status.state == State::kPaused && virDomainResume(handle.domain.get()) != 0)
    return libvirt_error("resume the guest");
  return refresh(request.uid);
}

Result<api::GuestStatus> Guests::remove(const api::GuestRequest& request) {
  NC_TRY_STATUS(check_uid(request.uid));
  const Busy::Turn turn = NC_TRY(busy_.enter(request.uid, kTurnTimeoutMs));
  Record record = NC_TRY(records_.admit(request.uid, request.claim_fence));
  NC_TRY_STATUS(undefine(request.uid));
  NC_TRY_STATUS(disks_.remove_guest(request.uid));
  record.images.clear();
  record.started_at_ns = 0;
  record.present = false;
  NC_TRY_STATUS(records_.put(request.uid, record));
  set_failure(request.uid, nullptr);
  NC_TRY_STATUS(disks_.remove_images_except([this] { return records_.images_in_use(); }));
  return refresh(request.uid);
}

Status Guests::undefine(const std::string& uid) {
  const Handle handle = NC_TRY(find(uid));
  if (!handle.domain) return {};
  if (handle.is_active() && virDomainDestroyFlags(handle.domain.get(), 0) != 0 && handle.is_active())
    return libvirt_error("end the guest");
  (void)refresh(uid);  // who watches sees it stopped before it is absent
  if (virDomainUndefineFlags(handle.domain.get(), kUndefineFlags) != 0)
    return libvirt_error("remove the guest's definition");
  return {};
}

Result<api::GuestStats> Guests::stats(const std::string& uid) {
  const Handle handle = NC_TRY(find_running(uid));
  api::GuestStats stats = NC_TRY(read_stats(handle.domain.get()));
  stats.time = Timestamp::from_ns(real_ns_());
  return stats;
}

Result<Fd> Guests::console(const std::string& uid) {
  NC_TRY(find_running(uid));
  return consoles_.attach(uid);
}

}  // namespace novacron::kvm
