#include "fake.h"

#include <utility>

namespace novacron::fake {
namespace {

namespace api = compute::v1;
using State = api::GuestStatus::State;

constexpr uint32_t kDefaultCpus = 64;
constexpr uint64_t kDefaultMemoryBytes = uint64_t{256} << 30;

api::DriverCapabilities capabilities() {
  api::DriverCapabilities out;
  out.engine = "none";
  out.accelerators = {"fake"};
  out.pause = out.stats = true;
  return out;
}

/// What a driver calls such a change; empty: nothing that anybody must know.
std::string_view event_of(State before, State after) {
  if (before == after) return {};
  switch (after) {
    case State::kAbsent:
      return "guest.deleted";
    case State::kStopped:
      return "guest.stopped";
    case State::kPaused:
      return "guest.paused";
    case State::kRunning:
      return before == State::kPaused ? "guest.resumed" : "guest.started";
    default:
      return {};
  }
}

}  // namespace

Status Fake::configure(const Config& config) {
  if (guests_ && config != config_) {
    return Error{.code = Code::kFailedPrecondition,
                 .message = "the configuration is read at the start: disable the plugin, change it, enable it",
                 .reason = "fake.restart-needed"};
  }
  config_ = config;
  return {};
}

Status Fake::start() {
  api::ComputeNodeStatus offer;
  offer.cpus = config_.cpus.value_or(kDefaultCpus);
  offer.memory_bytes = config_.memory_bytes.value_or(kDefaultMemoryBytes);
  offer.cpu_model = "none";
  offer.accelerator = "fake";
  offer.capabilities = capabilities();
  guests_ = NC_TRY(Guests::open(config_.journal, offer.memory_bytes));
  offers_ = std::make_unique<Offers>(host(), std::move(offer), config_.label_selector);
  offers_->start();
  return {};
}

Status Fake::resume() {
  offers_->start();
  return {};
}

void Fake::stop() {
  offers_.reset();
}

Result<api::GuestStatus> Fake::told(Result<Guests::Change> change) {
  if (!change.ok()) return std::move(change).error();
  const auto subject = event_of(change->before, change->after.state);
  if (!subject.empty()) (void)host().publish(subject, encode(change->after), {.tenant = change->tenant});
  return change->after;
}

Result<api::GuestStatus> Fake::turn(Call& call, const std::string& uid, uint64_t fence, State to) {
  return told(guests_->turn({.uid = uid, .node = std::string(call.node()), .fence = fence}, to));
}

Result<api::DriverDescription> Fake::describe(Call&, const Empty&) {
  api::DriverDescription description;
  description.capabilities = capabilities();
  return description;
}

Result<api::GuestStatus> Fake::start(Call& call, const api::StartRequest& request) {
  const api::Guest guest = request.guest.value_or(api::Guest());
  return told(guests_->start({.uid = guest.uid, .node = std::string(call.node()), .fence = request.claim_fence},
                             guest.spec ? guest.spec->memory_bytes.value_or(0) : 0, guest.tenant));
}

Result<api::GuestStatus> Fake::stop(Call& call, const api::StopRequest& request) {
  return turn(call, request.uid, request.claim_fence, State::kStopped);
}

Result<api::GuestStatus> Fake::pause(Call& call, const api::GuestRequest& request) {
  return turn(call, request.uid, request.claim_fence, State::kPaused);
}

Result<api::GuestStatus> Fake::resume(Call& call, const api::GuestRequest& request) {
  return turn(call, request.uid, request.claim_fence, State::kRunning);
}

Result<api::GuestStatus> Fake::delete_(Call& call, const api::GuestRequest& request) {
  return turn(call, request.uid, request.claim_fence, State::kAbsent);
}

Result<api::GuestStatus> Fake::get(Call&, const api::GuestRequest& request) {
  return guests_->get(request.uid);
}

Result<api::ListGuestsReply> Fake::list(Call&, const Empty&) {
  api::ListGuestsReply reply;
  reply.guests = guests_->list();
  return reply;
}

Result<api::GuestStats> Fake::stats(Call&, const api::GuestRequest& request) {
  if (guests_->get(request.uid).state == State::kAbsent) {
    return Error{.code = Code::kNotFound, .message = "no guest " + request.uid, .reason = "compute.no-guest"};
  }
  api::GuestStats stats;
  stats.time = Timestamp::from_ns(host().real_ns());
  return stats;
}

}  // namespace novacron::fake
