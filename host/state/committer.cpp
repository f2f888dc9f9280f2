#include "host/state/committer.h"

#include <algorithm>
#include <iterator>

#include "host/base/log.h"
#include "host/state/one_node.h"

namespace novacron::host::state {
namespace {

constexpr size_t kMaxBatchBytes = 4 * 1'024 * 1'024;  // of one write to the log
constexpr size_t kAppliedAtOnce = 64;                 // under one hold of the machine's lock, so that readers get in
constexpr size_t kCleanedPerApplied = 2;              // frees history faster than it comes

}  // namespace

Committer::Committer(std::unique_ptr<Log> log, SharedMachine& shared, const Clock& clock, Hooks hooks)
    : log_(std::move(log)), shared_(shared), clock_(clock), hooks_(std::move(hooks)), term_(log_->last_term() + 1) {
  if (!log_->has_spare()) raise_alarm("there is no space for a spare log segment");
  thread_ = std::thread([this] { thread_main(); });
}

Committer::~Committer() {
  stop();
}

Status Committer::admit(Origin origin, size_t bytes) const {
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

void Committer::propose(decltype(Command::what) what, uint64_t session, uint64_t sequence, Origin origin, Done done) {
  Proposal proposal{{clock_.real_ns(), std::move(what)}, {}, session, sequence, std::move(done)};
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

void Committer::drop_through(uint64_t index) {
  std::lock_guard lock(mutex_);
  work_.drop_through = std::max(work_.drop_through, index);
  wake_.notify_one();
}

void Committer::tick() {
  std::lock_guard lock(mutex_);
  if (failure_) return;
  work_.make_spare = !alarm_.empty();
  work_.mark = batches_ == batches_at_tick_ && batches_ != batches_at_mark_;
  batches_at_tick_ = batches_;
  if (work_.make_spare || work_.mark) wake_.notify_one();
}

void Committer::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

std::string Committer::alarm() const {
  std::lock_guard lock(mutex_);
  return alarm_;
}

void Committer::thread_main() {
  pthread_setname_np(pthread_self(), "nc-wal");
  Work work;
  while (take(work)) {
    if (!work.proposals.empty()) commit(work.proposals);
    do_chores(work);
    work.proposals.clear();
  }
  do_chores({.proposals = {}, .mark = true});
}

bool Committer::work_is_there() const {
  return !work_.proposals.empty() || work_.drop_through > 0 || work_.mark || work_.make_spare;
}

/// False: stopped, and nothing is left.
bool Committer::take(Work& work) {
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

/// Appends from `from` on until the batch is full; gives the end.
size_t Committer::append(const std::vector<Proposal>& proposals, size_t from) {
  size_t to = from;
  for (; to < proposals.size() && (to == from || log_->appended_bytes() < kMaxBatchBytes); ++to) {
    const Proposal& proposal = proposals[to];
    log_->append({term_, log_->last_index() + 1, proposal.session, proposal.sequence, proposal.encoded});
  }
  return to;
}

void Committer::commit(std::vector<Proposal>& proposals) {
  for (size_t from = 0; from < proposals.size();) {
    if (failure_) {
      proposals[from++].done(*failure_);
      continue;
    }
    const size_t to = append(proposals, from);
    const size_t bytes = log_->appended_bytes();
    auto written = log_->commit();
    if (written.ok()) {
      logged_bytes_ += bytes;
      apply(proposals, from, to);
    } else {
      const Error refusal = refuse(written.error());
      for (size_t each = from; each < to; ++each) proposals[each].done(refusal);
    }
    from = to;
  }
  if (!failure_ && !log_->has_spare()) raise_alarm("there is no space for a spare log segment");
  std::lock_guard lock(mutex_);
  ++batches_;
}

void Committer::apply(std::vector<Proposal>& proposals, size_t from, size_t to) {
  std::vector<Result<Outcome>> outcomes;
  outcomes.reserve(to - from);
  for (size_t next = from; next < to;) {
    const size_t stop = std::min(to, next + kAppliedAtOnce);
    std::lock_guard lock(shared_.mutex);
    Machine& machine = shared_.machine;
    for (; next < stop; ++next) {
      Proposal& proposal = proposals[next];
      outcomes.push_back(
          machine.apply(std::move(proposal.command), machine.index() + 1, proposal.session, proposal.sequence));
    }
    shared_.term = term_;
    if (shared_.pins == 0) machine.keys().clean(kAppliedAtOnce * kCleanedPerApplied);
  }
  hooks_.applied();
  for (size_t each = from; each < to; ++each) proposals[each].done(std::move(outcomes[each - from]));
}

/// What a proposal's caller is told, once the log has refused its batch.
Error Committer::refuse(const Error& cause) {
  if (cause.code == Code::kResourceExhausted) {
    raise_alarm(cause.message);
    return {.code = Code::kResourceExhausted,
            .message = "the disk is full: " + cause.message,
            .reason = "state.disk-full",
            .retry_after_ns = kDiskFullRetryNs};
  }
  fail(cause);
  return *failure_;
}

void Committer::do_chores(const Work& work) {
  if (failure_) return;
  Status done;
  if (work.drop_through > 0) done = log_->drop_through(work.drop_through);
  if (done.ok() && work.make_spare) {
    done = log_->make_spare();
    if (done.ok()) clear_alarm();
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

void Committer::raise_alarm(const std::string& why) {
  std::lock_guard lock(mutex_);
  if (!alarm_.empty()) return;
  alarm_ = why;
  log_error("state", "read-only: the disk is full", {{"cause", why}});
}

void Committer::clear_alarm() {
  std::lock_guard lock(mutex_);
  if (alarm_.empty()) return;
  alarm_.clear();
  log_info("state", "writable again: there is space on the disk");
}

void Committer::fail(const Error& cause) {
  {
    std::lock_guard lock(mutex_);
    alarm_ = "the log cannot be written any more: " + cause.message;
    failure_ = Error{Code::kUnavailable, alarm_, "state.failed"};
  }
  log_error("state", "the log cannot be written any more", {{"cause", cause.message}});
  if (hooks_.fatal) hooks_.fatal(*failure_);
}

}  // namespace novacron::host::state
