#include "host/state/runner.h"

#include <algorithm>

#include "host/base/log.h"
#include "host/state/replica.h"

namespace novacron::host::state {
Runner::Runner(std::unique_ptr<Log> log, raft::Core core, SharedMachine& shared, const Clock& clock, Hooks hooks)
    : log_(std::move(log)), core_(std::move(core)), shared_(shared), clock_(clock), hooks_(std::move(hooks)) {}

Result<std::unique_ptr<Runner>> Runner::start(std::unique_ptr<Log> log, raft::Core core, SharedMachine& shared,
                                              const Clock& clock, Hooks hooks) {
  std::unique_ptr<Runner> runner(new Runner(std::move(log), std::move(core), shared, clock, std::move(hooks)));
  if (!runner->log_->has_spare()) runner->raise_alarm("there is no space for a spare log segment");
  TRY_STATUS(runner->elect_alone());
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
  Proposal proposal{{clock_.real_ns(), std::move(what)}, {}, std::move(done)};
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
  while (take(work)) {
    if (!work.proposals.empty()) commit(work.proposals);
    do_chores(work);
    work.proposals.clear();
  }
  do_chores({.proposals = {}, .mark = true});
}

bool Runner::work_is_there() const {
  return !work_.proposals.empty() || work_.drop_through > 0 || work_.mark || work_.make_spare;
}

/// False: stopped, and nothing is left.
bool Runner::take(Work& work) {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || work_is_there(); });
  if (!work_is_there()) return false;
  std::swap(work.proposals, work_.proposals);  // both keep their capacity
  work.drop_through = std::exchange(work_.drop_through, 0);
  work.mark = std::exchange(work_.mark, false);
  work.make_spare = std::exchange(work_.make_spare, false);
  queued_bytes_ = 0;
  return true;
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
  for (Waiting& waiting : std::exchange(waiting_, {})) waiting.done(*failure_);
  if (hooks_.fatal) hooks_.fatal(*failure_);
}

}  // namespace novacron::host::state
