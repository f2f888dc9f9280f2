#include "host/state/runner.h"

#include <algorithm>
#include <random>

#include "host/base/log.h"
#include "host/state/replica.h"

namespace novacron::host::state {
namespace {

constexpr size_t kMaxWaiting = 16'384;                 // reads, and leases to be kept
constexpr size_t kMaxHeardBytes = 64 * 1'024 * 1'024;  // from other nodes, not looked at yet
constexpr std::string_view kComponent = "state";

}  // namespace

bool Runner::Work::empty() const {
  return proposals.empty() && frames.empty() && reads.empty() && keeps.empty() && !snapshot && drop_through == 0 &&
         !mark && !make_spare;
}

/// What the lists have grown to stays theirs.
void Runner::Work::clear() {
  proposals.clear();
  frames.clear();
  reads.clear();
  keeps.clear();
  snapshot.reset();
  drop_through = 0;
  is_tick = mark = make_spare = false;
}

Runner::Runner(Parts parts, Hooks hooks)
    : log_(std::move(parts.log)),
      core_(std::move(parts.core)),
      shared_(parts.shared),
      clock_(parts.clock),
      files_(parts.files),
      folder_(parts.folder),
      peers_(parts.peers),
      tick_(parts.tick_ms),
      patience_ticks_(parts.patience_ticks),
      hooks_(std::move(hooks)),
      next_token_(std::mt19937_64(std::random_device()())()),
      inbox_(files_, folder_) {}

Result<std::unique_ptr<Runner>> Runner::start(Parts parts, Hooks hooks) {
  std::unique_ptr<Runner> runner(new Runner(std::move(parts), std::move(hooks)));
  if (!runner->log_->has_spare()) runner->raise_alarm("there is no space for a spare log segment");
  TRY_STATUS(runner->elect_alone());
  runner->note_role();
  runner->thread_ = std::thread([&it = *runner] { it.thread_main(); });
  return runner;
}

Runner::~Runner() {
  stop();
}

Status Runner::admit(Origin origin, size_t bytes) const {
  if (failure_) return *failure_;
  if (stopping_) return Error{Code::kUnavailable, "the state engine has stopped", "state.stopped"};
  if (origin == Origin::kClient && !alarm_.empty())
    return Error{.code = Code::kResourceExhausted,
                 .message = "the state is read-only until there is space on the disk again: " + alarm_,
                 .reason = "state.disk-full",
                 .retry_after_ns = kDiskFullRetryNs};
  if (work_.proposals.size() >= kMaxProposals || queued_bytes_ + bytes > kMaxProposedBytes)
    return Error{.code = Code::kUnavailable,
                 .message = "too many changes wait for the log",
                 .reason = "state.busy",
                 .retry_after_ns = kBusyRetryNs};
  return {};
}

void Runner::propose(decltype(Command::what) what, Origin origin, Done done) {
  Proposal proposal{{clock_.real_ns(), std::move(what)}, std::move(done)};
  proposal.encoded = encode_command(proposal.command);
  std::unique_lock lock(mutex_);
  auto admitted = admit(origin, proposal.encoded.size());
  if (!admitted.ok()) {
    lock.unlock();
    return proposal.done(std::move(admitted).error());
  }
  queued_bytes_ += proposal.encoded.size();
  work_.proposals.push_back(std::move(proposal));
  if (work_.proposals.size() == 1) wake_.notify_one();
}

Status Runner::admit_more(size_t waiting) const {
  if (failure_) return *failure_;
  if (stopping_) return Error{Code::kUnavailable, "the state engine has stopped", "state.stopped"};
  if (waiting < kMaxWaiting) return {};
  return Error{.code = Code::kUnavailable,
               .message = "too many wait for the leader",
               .reason = "state.busy",
               .retry_after_ns = kBusyRetryNs};
}

void Runner::read(Callback<void> done) {
  std::unique_lock lock(mutex_);
  auto admitted = admit_more(work_.reads.size());
  if (!admitted.ok()) {
    lock.unlock();
    return done(std::move(admitted));
  }
  work_.reads.push_back(std::move(done));
  wake_.notify_one();
}

void Runner::keep_lease(uint64_t lease, Callback<Lease> done) {
  std::unique_lock lock(mutex_);
  auto admitted = admit_more(work_.keeps.size());
  if (!admitted.ok()) {
    lock.unlock();
    return done(std::move(admitted).error());
  }
  work_.keeps.push_back({lease, std::move(done)});
  wake_.notify_one();
}

/// What comes faster than it can be looked at is lost, as on a bad network.
void Runner::receive(raft::NodeId from, std::string_view frame) {
  auto decoded = decode_frame(frame);
  if (!decoded.ok())
    return log_warn(kComponent, "what a node sent cannot be read", {{"node", from}, {"why", decoded.error().message}});
  std::lock_guard lock(mutex_);
  if (heard_bytes_ + frame.size() > kMaxHeardBytes) return;
  heard_bytes_ += frame.size();
  work_.frames.emplace_back(from, *std::move(decoded));
  if (work_.frames.size() == 1) wake_.notify_one();
}

void Runner::snapshot_taken(std::shared_ptr<const raft::Snapshot> snapshot) {
  std::lock_guard lock(mutex_);
  work_.snapshot = std::move(snapshot);
  wake_.notify_one();
}

void Runner::drop_through(uint64_t index) {
  std::lock_guard lock(mutex_);
  work_.drop_through = std::max(work_.drop_through, index);
  wake_.notify_one();
}

void Runner::tick() {
  std::lock_guard lock(mutex_);
  if (failure_) return;
  work_.make_spare = !alarm_.empty();
  work_.mark = batches_ == batches_at_tick_ && batches_ != batches_at_mark_;
  batches_at_tick_ = batches_;
  if (work_.make_spare || work_.mark) wake_.notify_one();
}

void Runner::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

std::string Runner::alarm() const {
  std::lock_guard lock(mutex_);
  return alarm_;
}

void Runner::thread_main() {
  pthread_setname_np(pthread_self(), "nc-raft");
  Work work;
  while (take(work)) run(work);
  hand_over();
  refuse_rest({Code::kUnavailable, "the state engine has stopped", "state.stopped"});
  work.clear();
  work.mark = true;
  do_chores(work);
}

/// False: stopped, and no proposal is left.
bool Runner::take(Work& work) {
  std::unique_lock lock(mutex_);
  const auto is_due = [this] { return stopping_ || !work_.empty(); };
  if (is_single_)
    wake_.wait(lock, is_due);
  else
    wake_.wait_until(lock, next_tick_, is_due);
  if (stopping_ && (work_.empty() || (!is_single_ && work_.proposals.empty()))) return false;
  take_queued(work);
  return true;
}

void Runner::take_queued(Work& work) {
  work.clear();
  std::swap(work, work_);
  queued_bytes_ = heard_bytes_ = 0;
  const auto now = std::chrono::steady_clock::now();
  if (is_single_ || now < next_tick_) return;
  work.is_tick = true;
  next_tick_ = now + tick_;
}

void Runner::do_chores(const Work& work) {
  if (failure_) return;
  Status done;
  if (work.drop_through > 0) done = log_->drop_through(work.drop_through);
  if (done.ok() && work.make_spare) {
    done = log_->make_spare();
    if (done.ok()) clear_alarm();
    if (done.ok()) done = elect_alone();
  }
  if (done.ok() && work.mark) {
    done = log_->mark();
    std::lock_guard lock(mutex_);
    batches_at_mark_ = batches_;
  }
  if (done.ok()) return;
  if (done.code() == Code::kResourceExhausted) return raise_alarm(done.error().message);
  fail(done.error());
}

void Runner::raise_alarm(const std::string& why) {
  std::lock_guard lock(mutex_);
  if (!alarm_.empty()) return;
  alarm_ = why;
  log_error("state", "read-only: the disk is full", {{"cause", why}});
}

void Runner::clear_alarm() {
  std::lock_guard lock(mutex_);
  if (alarm_.empty()) return;
  alarm_.clear();
  log_info("state", "writable again: there is space on the disk");
}

void Runner::fail(const Error& cause) {
  {
    std::lock_guard lock(mutex_);
    alarm_ = "the log cannot be written any more: " + cause.message;
    failure_ = Error{Code::kUnavailable, alarm_, "state.failed"};
  }
  log_error("state", "the log cannot be written any more", {{"cause", cause.message}});
  refuse_rest(*failure_);
  if (hooks_.fatal) hooks_.fatal(*failure_);
}

}  // namespace novacron::host::state
