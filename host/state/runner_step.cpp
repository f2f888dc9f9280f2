// One step of the runner: from what it was given to what the core wants done.
#include <algorithm>

#include "host/base/log.h"
#include "host/state/data_folder.h"
#include "host/state/replica.h"
#include "host/state/runner.h"

namespace novacron::host::state {
namespace {

constexpr size_t kMaxBatchBytes = 4 * 1'024 * 1'024;  // of one write to the log
constexpr size_t kReserveBytes = 4 * 1'024;           // for what the core writes by itself
constexpr size_t kAppliedAtOnce = 64;                 // under one hold of the machine's lock, so that readers get in
constexpr size_t kCleanedPerApplied = 2;              // frees history faster than it comes

constexpr size_t kMaxKeptBytes = 32 * 1'024 * 1'024;  // of applied entries, for others that lack them
constexpr size_t kEntryOverheadBytes = 96;            // about what an entry takes beside its payload

size_t cost_of(const raft::Entry& entry) {
  return entry.payload.size() + kEntryOverheadBytes;
}

RecordType type_of(raft::EntryKind kind) {
  if (kind == raft::EntryKind::kNoop) return RecordType::kNoop;
  return kind == raft::EntryKind::kMembership ? RecordType::kMembership : RecordType::kCommand;
}

Error disk_full(const Error& cause) {
  return {.code = Code::kResourceExhausted,
          .message = "the disk is full: " + cause.message,
          .reason = "state.disk-full",
          .retry_after_ns = kDiskFullRetryNs};
}

Error outcome_unknown() {
  return {.code = Code::kUnavailable,
          .message = "the leader has changed: nobody knows yet whether the change was made",
          .reason = "state.outcome-unknown",
          .retry_after_ns = kBusyRetryNs};
}

Error busy(const Error& cause) {
  return {.code = Code::kUnavailable, .message = cause.message, .reason = "state.busy", .retry_after_ns = kBusyRetryNs};
}

}  // namespace

/// Nobody else could lead, so there is nothing to wait for.
Status Runner::elect_alone() {
  if (core_.role() == raft::Role::kLeader || !state::is_alone(core_.membership(), core_.node())) return {};
  const auto room = make_room(kReserveBytes);
  if (!room.ok()) return room.code() == Code::kResourceExhausted ? Status() : room;
  while (core_.role() != raft::Role::kLeader) {
    core_.tick();
    TRY_STATUS(settle());
  }
  return {};
}

void Runner::run(Work& work) {
  if (work.is_tick) ++ticks_;
  if (!failure_) step(work);
  if (failure_) {
    for (Proposal& proposal : work.proposals)
      if (proposal.done) proposal.done(*failure_);
    for (auto& read : work.reads) read(*failure_);
    for (Keep& keep : work.keeps) keep.done(*failure_);
  } else {
    do_chores(work);
  }
}

void Runner::step(Work& work) {
  if (work.is_tick || !work.frames.empty()) hear(work);
  if (work.snapshot) core_.snapshot_taken(std::move(work.snapshot), 0);
  ask_reads(std::move(work.reads));
  for (Keep& keep : work.keeps) ask(std::move(keep));
  work.keeps.clear();
  dispatch(work.proposals);
  const auto settled = settle();
  if (!settled.ok()) return fail(settled.error());
  serve_reads();
  if (core_.wants_snapshot() && hooks_.snapshot_wanted) hooks_.snapshot_wanted();
  if (work.is_tick) expire();
}

/// RESOURCE_EXHAUSTED raises the alarm.
Status Runner::make_room(size_t bytes) {
  auto room = log_->make_room(bytes);
  if (room.code() == Code::kResourceExhausted) raise_alarm(room.error().message);
  return room;
}

void Runner::commit(std::vector<Proposal>& proposals) {
  for (size_t from = 0; from < proposals.size();) {
    if (failure_) {
      proposals[from++].done(*failure_);
      continue;
    }
    from = propose_batch(proposals, from);
    const auto settled = settle();
    if (!settled.ok()) fail(settled.error());
  }
  if (!failure_ && !log_->has_spare()) raise_alarm("there is no space for a spare log segment");
  std::lock_guard lock(mutex_);
  ++batches_;
}

/// Proposes from `from` on until the batch is full; gives the end.
size_t Runner::propose_batch(std::vector<Proposal>& proposals, size_t from) {
  size_t to = from;
  size_t bytes = 0;
  for (; to < proposals.size() && bytes < kMaxBatchBytes; ++to) bytes += record_bytes(proposals[to].encoded.size());
  const auto room = make_room(bytes + kReserveBytes);
  for (size_t each = from; each < to; ++each) {
    if (room.ok()) {
      hand_in(proposals[each]);
    } else if (room.code() == Code::kResourceExhausted) {
      proposals[each].done(disk_full(room.error()));
    } else {
      if (!failure_) fail(room.error());
      proposals[each].done(*failure_);
    }
  }
  return to;
}

void Runner::hand_in(Proposal& proposal) {
  auto index = core_.propose(std::move(proposal.encoded));
  if (!index.ok() && index.error().reason != "raft.busy") return held_.push_back(std::move(proposal));
  if (!index.ok()) return proposal.done(busy(index.error()));
  waiting_.push_back({*index, core_.hard_state().term, std::move(proposal.command), std::move(proposal.done)});
}

/// Until the core wants nothing more.
Status Runner::settle() {
  for (raft::Ready ready = core_.take_ready(); !ready.empty(); ready = core_.take_ready())
    TRY_STATUS(carry_out(std::move(ready)));
  note_role();
  forget_applied();
  return {};
}

/// What this disk has already is applied before the disk is waited for.
Status Runner::carry_out(raft::Ready ready) {
  note_role();
  send(std::move(ready.messages));
  const auto is_written = [&](const raft::EntryPtr& entry) { return entry->index <= log_->last_index(); };
  const bool can_apply_first =
      !ready.snapshot && std::all_of(ready.committed.begin(), ready.committed.end(), is_written);
  if (can_apply_first) TRY_STATUS(apply(ready.committed));
  if (ready.has_writes()) TRY_STATUS(write(ready));
  send(std::move(ready.messages_when_durable));
  for (const raft::ReadReady& read : ready.reads) note_read(read);
  return can_apply_first ? Status() : apply(ready.committed);
}

/// One batch: one write and one sync.
Status Runner::write(const raft::Ready& ready) {
  if (ready.snapshot) TRY_STATUS(install(*ready.snapshot));
  if (ready.hard_state) log_->append_ballot(*ready.hard_state);
  if (!ready.entries.empty()) {
    const raft::Index before = ready.entries.front()->index - 1;
    if (before < log_->last_index()) log_->append_move(before, core_.log().term_at(before).value(), core_.commit());
  }
  for (const raft::EntryPtr& entry : ready.entries) {
    log_->append({.term = entry->term,
                  .index = entry->index,
                  .payload = entry->payload,
                  .type = type_of(entry->kind),
                  .commit = core_.commit()});
  }
  const size_t bytes = log_->appended_bytes();
  TRY_STATUS(log_->commit());
  logged_bytes_ += bytes;
  return {};
}

/// It is announced first: cut short anywhere, the log goes on behind it or as before.
Status Runner::install(const raft::Snapshot& snapshot) {
  assert(loaded_ && loaded_->head.index == snapshot.index);
  log_->append_install(snapshot.index, snapshot.term);
  TRY_STATUS(log_->commit());
  TRY_STATUS(inbox_.put_in_place());
  log_->append_move(snapshot.index, snapshot.term, snapshot.index);
  TRY_STATUS(log_->commit());
  TRY_STATUS(log_->drop_through(snapshot.index));
  hooks_.install(std::move(loaded_->machine), loaded_->head);
  loaded_.reset();
  kept_bytes_ = 0;
  log_info("state", "the state of another node was taken", {{"index", snapshot.index}});
  return {};
}

Status Runner::apply(const raft::Entries& entries) {
  if (entries.empty()) return {};
  std::vector<Answer> answers;
  answers.reserve(std::min(entries.size(), waiting_.size()));
  for (size_t next = 0; next < entries.size();) {
    const size_t stop = std::min(entries.size(), next + kAppliedAtOnce);
    std::lock_guard lock(shared_.mutex);
    for (; next < stop; ++next) TRY_STATUS(apply_one(*entries[next], answers));
    if (shared_.pins == 0) shared_.machine.keys().clean(kAppliedAtOnce * kCleanedPerApplied);
  }
  hooks_.applied();
  for (Answer& answer : answers) answer.done(std::move(answer.outcome));
  return {};
}

/// Who proposed it here has the command still; from elsewhere it comes as bytes.
Status Runner::apply_one(const raft::Entry& entry, std::vector<Answer>& answers) {
  kept_bytes_ += cost_of(entry);
  for (; !waiting_.empty() && waiting_.front().index <= entry.index; waiting_.pop_front()) {
    Waiting& waiting = waiting_.front();
    if (waiting.index == entry.index && waiting.term == entry.term) {
      shared_.term = entry.term;
      auto outcome = shared_.machine.apply(std::move(waiting.command), entry.index);
      answers.push_back({std::move(waiting.done), std::move(outcome)});
      waiting_.pop_front();
      return {};
    }
    answers.push_back({std::move(waiting.done), outcome_unknown()});
  }
  return apply_foreign(entry, answers);
}

/// It may be one that another node has proposed for somebody here.
Status Runner::apply_foreign(const raft::Entry& entry, std::vector<Answer>& answers) {
  if (entry.kind != raft::EntryKind::kCommand) {
    (void)TRY(apply_entry(shared_, entry));
    return {};
  }
  Command command = TRY(decode_command(entry.payload));
  const Proposer proposer = command.proposer;
  shared_.term = entry.term;
  auto outcome = shared_.machine.apply(std::move(command), entry.index);
  const auto forwarded = proposer.node == core_.node() ? forwarded_.find(proposer.token) : forwarded_.end();
  if (forwarded == forwarded_.end()) return {};
  answers.push_back({std::move(forwarded->second.done), std::move(outcome)});
  forwarded_.erase(forwarded);
  return {};
}

/// Alone, nobody needs what is applied.
void Runner::forget_applied() {
  const raft::Index applied = shared_.machine.index();
  raft::Index until = core_.log().first_index() - 1;
  if (is_single_) {
    until = applied;
    kept_bytes_ = 0;
  } else if (kept_bytes_ > kMaxKeptBytes) {
    while (kept_bytes_ > kMaxKeptBytes / 2 && until < applied) kept_bytes_ -= cost_of(*core_.log().at(++until));
  }
  if (until >= core_.log().first_index()) core_.forget_through(until);
}

void Runner::note_role() {
  const raft::Membership& members = core_.membership();
  const bool is_alone = state::is_alone(members, core_.node());
  is_alone_ = is_alone;
  is_single_ = is_alone && members.members.size() == 1;
  leader_ = core_.leader();
  const bool leads = core_.role() == raft::Role::kLeader;
  if (leads_.exchange(leads) == leads) return;
  if (!leads)
    for (Waiting& waiting : std::exchange(waiting_, {})) waiting.done(outcome_unknown());
  if (hooks_.role_changed) hooks_.role_changed(leads);
  if (!is_single_)
    log_info("state", leads ? "leads" : "leads no more", {{"term", core_.hard_state().term}, {"node", core_.node()}});
}

}  // namespace novacron::host::state
