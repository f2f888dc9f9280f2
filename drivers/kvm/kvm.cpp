#include "kvm.h"

#include "engine.h"

namespace novacron::kvm {
namespace {

namespace api = compute::v1;

// How soon a watch notices that nobody listens any more.
constexpr uint64_t kWatchSliceMs = 500;

}  // namespace

Kvm::Kvm() = default;
Kvm::~Kvm() = default;

Status Kvm::configure(const Config& config) {
  if (engine_ && config != config_) {
    return Error{.code = Code::kFailedPrecondition,
                 .message = "the driver's configuration changes at its start: disable it, then enable it",
                 .reason = "compute.restart-needed"};
  }
  config_ = config;
  return {};
}

Status Kvm::start() {
  engine_ = NC_TRY(Engine::create(host(), config_));
  return engine_->start();
}

Status Kvm::health() {
  return engine_ ? engine_->health() : Status();
}

Status Kvm::quiesce(StateSink&) {
  engine_->stop();  // the successor finds the guests in libvirt
  return {};
}

Status Kvm::resume() {
  return engine_->start();
}

void Kvm::stop() {
  if (engine_) engine_->stop();
}

Result<api::DriverDescription> Kvm::describe(Call&, const Empty&) {
  return engine_->describe();
}

Result<api::GuestStatus> Kvm::start(Call&, const api::StartRequest& request) {
  return engine_->guests().start(request);
}

Result<api::GuestStatus> Kvm::stop(Call& call, const api::StopRequest& request) {
  return engine_->guests().stop(request, [&call] { return call.cancelled(); });
}

Result<api::GuestStatus> Kvm::pause(Call&, const api::GuestRequest& request) {
  return engine_->guests().pause(request);
}

Result<api::GuestStatus> Kvm::resume(Call&, const api::GuestRequest& request) {
  return engine_->guests().resume(request);
}

Result<api::GuestStatus> Kvm::delete_(Call&, const api::GuestRequest& request) {
  return engine_->guests().remove(request);
}

Result<api::GuestStatus> Kvm::get(Call&, const api::GuestRequest& request) {
  return engine_->guests().get(request.uid);
}

Result<api::ListGuestsReply> Kvm::list(Call&, const Empty&) {
  api::ListGuestsReply reply;
  reply.guests = NC_TRY(engine_->guests().list());
  return reply;
}

Status Kvm::watch(Call& call, const Empty&, Writer<api::GuestStatus>& replies) {
  NC_TRY(engine_->guests().list());  // so that the first round has everything
  uint64_t version = 0;
  while (!call.cancelled()) {
    const Board::Changes changes = engine_->guests().board().after(version, kWatchSliceMs);
    for (const api::GuestStatus& status : changes.guests) NC_TRY_STATUS(replies.write(status));
    version = changes.version;
  }
  return {};
}

Result<api::GuestStats> Kvm::stats(Call&, const api::GuestRequest& request) {
  return engine_->guests().stats(request.uid);
}

Result<api::ConsoleReply> Kvm::console(Call& call, const api::GuestRequest& request) {
  call.attach(NC_TRY(engine_->guests().console(request.uid)));
  return api::ConsoleReply();
}

}  // namespace novacron::kvm
