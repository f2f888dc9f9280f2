// What the runner says to other nodes and hears from them: the core's messages, changes and leases that the leader is
// asked for, snapshots.
#include <algorithm>

#include "host/base/log.h"
#include "host/state/data_folder.h"
#include "host/state/replica.h"
#include "host/state/runner.h"

namespace novacron::host::state {
namespace {

constexpr size_t kReserveBytes = 4 * 1'024;
constexpr std::string_view kComponent = "state";

Error no_leader() {
  return {.code = Code::kUnavailable,
          .message = "no node leads the cluster just now: too few of its nodes answer",
          .reason = "state.no-leader",
          .retry_after_ns = kBusyRetryNs};
}

Error no_answer() {
  return {.code = Code::kUnavailable,
          .message = "the leader did not answer in time: nobody knows yet whether the change was made",
          .reason = "state.outcome-unknown",
          .retry_after_ns = kBusyRetryNs};
}

raft::Lane lane_of(const raft::Message& message) {
  return std::holds_alternative<raft::AppendRequest>(message.body) ? raft::Lane::kBulk : raft::Lane::kControl;
}

/// That an append brings to the log.
size_t bytes_of(const PeerFrame& frame) {
  const auto* message = std::get_if<raft::Message>(&frame);
  const auto* append = message ? std::get_if<raft::AppendRequest>(&message->body) : nullptr;
  size_t bytes = 0;
  if (const auto* forward = std::get_if<Forward>(&frame)) bytes = record_bytes(forward->command.size());
  if (append == nullptr) return bytes;
  for (const raft::EntryPtr& entry : append->entries) bytes += record_bytes(entry->payload.size());
  return bytes;
}

}  // namespace

void Runner::send(std::vector<raft::Message> messages) {
  for (raft::Message& message : messages) {
    if (message.to == core_.node()) {
      core_.receive(std::move(message));
    } else if (std::holds_alternative<raft::SnapshotRequest>(message.body)) {
      offer_snapshot(message);
    } else {
      const raft::NodeId to = message.to;
      const raft::Lane lane = lane_of(message);
      say(to, lane, PeerFrame(std::move(message)));
    }
  }
}

void Runner::say(raft::NodeId to, raft::Lane lane, const PeerFrame& frame) {
  if (peers_ != nullptr) peers_->send(to, lane, encode_frame(frame));
}

/// Without space on the disk this node keeps silent: it could not keep what it says. Who is no member is not heard.
void Runner::hear(Work& work) {
  size_t bytes = kReserveBytes;
  for (const auto& [from, frame] : work.frames) bytes += bytes_of(frame);
  const auto room = make_room(bytes);
  if (!room.ok() && room.code() != Code::kResourceExhausted) return fail(room.error());
  if (!room.ok()) return;
  if (work.is_tick) core_.tick();
  for (auto& [from, frame] : work.frames) {
    if (!core_.membership().contains(from)) continue;
    std::visit([&, sender = from](auto& body) { on(sender, body); }, frame);
  }
}

/// A snapshot that comes as a message alone has no file.
void Runner::on(raft::NodeId from, raft::Message& message) {
  if (message.from != from || std::holds_alternative<raft::SnapshotRequest>(message.body)) return;
  core_.receive(std::move(message));
}

void Runner::on(raft::NodeId from, Forward& forward) {
  const auto command = decode_command(forward.command);
  if (!command.ok() || command->proposer.node != from)
    return log_warn(kComponent, "a node forwards what is no change of its own", {{"node", from}});
  const auto proposed = core_.propose(std::move(forward.command));
  if (proposed.ok()) return;
  Error why = no_leader();
  if (proposed.error().reason == "raft.busy")
    why = {Code::kUnavailable, proposed.error().message, "state.busy", {}, kBusyRetryNs, {}};
  say(from, raft::Lane::kControl, Refused{command->proposer.token, std::move(why)});
}

/// Refused means not proposed: whoever leads by now may be asked.
void Runner::on(raft::NodeId, Refused& refused) {
  const auto found = forwarded_.find(refused.token);
  if (found == forwarded_.end()) return;
  Proposal proposal = std::move(found->second);
  forwarded_.erase(found);
  if (refused.why.reason == "state.no-leader") return held_.push_back(std::move(proposal));
  proposal.done(std::move(refused.why));
}

void Runner::on(raft::NodeId from, KeepLease& keep) {
  LeaseKept kept{.token = keep.token, .ttl_ms = 0, .leads = core_.role() == raft::Role::kLeader};
  if (kept.leads) {
    const auto lease = hooks_.keep_lease(keep.lease);
    if (lease.ok()) kept.ttl_ms = lease->ttl_ms;
  }
  say(from, raft::Lane::kControl, kept);
}

void Runner::on(raft::NodeId, LeaseKept& kept) {
  const auto found = keeps_.find(kept.token);
  if (found == keeps_.end()) return;
  const Keep keep = std::move(found->second);
  keeps_.erase(found);
  if (!kept.leads) return keep.done(no_leader());
  if (kept.ttl_ms != 0) return keep.done(Lease{keep.lease, kept.ttl_ms});
  keep.done(
      Error{Code::kNotFound, "the lease " + std::to_string(keep.lease) + " is not there or has ended", "state.lease"});
}

void Runner::offer_snapshot(const raft::Message& message) {
  const auto& snapshot = std::get<raft::SnapshotRequest>(message.body).snapshot;
  const auto* file = dynamic_cast<const SnapshotFile*>(snapshot->image.get());
  assert(file != nullptr);
  offered_[message.to] = snapshot;
  say(message.to, raft::Lane::kBulk, SnapshotOffer{message.term, file->id(), snapshot->membership});
}

void Runner::on(raft::NodeId from, SnapshotWanted& wanted) {
  const auto offered = offered_.find(from);
  if (offered == offered_.end()) return;
  const auto& file = dynamic_cast<const SnapshotFile&>(*offered->second->image);
  if (file.id() != wanted.id) return;
  core_.snapshot_moves(from);
  if (wanted.offset >= wanted.id.bytes) return (void)offered_.erase(offered);
  auto chunk = file.chunk_at(wanted.offset);
  if (chunk.ok()) return say(from, raft::Lane::kBulk, *std::move(chunk));
  log_warn(kComponent, "a snapshot cannot be read", {{"why", chunk.error().message}});
  core_.snapshot_failed(from);
}

void Runner::on(raft::NodeId from, SnapshotOffer& offer) {
  if (offer.leader_term < core_.hard_state().term) return;
  if (offer.id.index <= core_.commit()) return receive_snapshot(from, offer);
  auto wanted = inbox_.begin(offer);
  if (!wanted.ok()) return log_warn(kComponent, "no snapshot can be taken", {{"why", wanted.error().message}});
  if (inbox_.is_whole()) return receive_whole(from);
  say(from, raft::Lane::kControl, *wanted);
}

void Runner::on(raft::NodeId from, SnapshotChunk& chunk) {
  const auto wanted = inbox_.add(chunk);
  if (!wanted.ok()) return log_warn(kComponent, "no snapshot can be taken", {{"why", wanted.error().message}});
  if (!*wanted) return;
  say(from, raft::Lane::kControl, **wanted);
  if (inbox_.is_whole()) receive_whole(from);
}

void Runner::receive_whole(raft::NodeId from) {
  auto loaded = inbox_.load();
  if (!loaded.ok()) return log_warn(kComponent, "no snapshot can be taken", {{"why", loaded.error().message}});
  loaded_ = *std::move(loaded);
  receive_snapshot(from, inbox_.offer());
}

/// The core decides whether it takes it.
void Runner::receive_snapshot(raft::NodeId from, const SnapshotOffer& offer) {
  auto snapshot = std::make_shared<raft::Snapshot>();
  snapshot->index = offer.id.index;
  snapshot->term = offer.id.term;
  snapshot->membership = offer.members;
  core_.receive({from, core_.node(), offer.leader_term, raft::SnapshotRequest{std::move(snapshot)}});
  const auto settled = settle();
  loaded_.reset();
  if (!settled.ok()) fail(settled.error());
}

/// Somebody else leads whom this node can ask.
bool Runner::has_other_leader() const {
  return core_.leader() != 0 && core_.leader() != core_.node();
}

/// To the log, to the leader, or to those that wait for one.
void Runner::dispatch(std::vector<Proposal>& proposals) {
  for (Proposal& held : std::exchange(held_, {})) proposals.push_back(std::move(held));
  if (proposals.empty()) return;
  if (is_single_) {
    const auto elected = elect_alone();
    if (!elected.ok()) fail(elected.error());
  }
  if (is_single_ || core_.role() == raft::Role::kLeader) {
    commit(proposals);
    return proposals.clear();
  }
  for (Proposal& proposal : proposals) {
    if (proposal.deadline_tick == 0) proposal.deadline_tick = ticks_ + patience_ticks_;
    if (has_other_leader())
      forward(std::move(proposal));
    else
      held_.push_back(std::move(proposal));
  }
  proposals.clear();
}

void Runner::forward(Proposal proposal) {
  proposal.command.proposer = {core_.node(), next_token_++};
  const uint64_t token = proposal.command.proposer.token;
  say(core_.leader(), raft::Lane::kBulk, Forward{encode_command(proposal.command)});
  forwarded_.emplace(token, std::move(proposal));
}

void Runner::ask(Keep keep) {
  if (core_.role() == raft::Role::kLeader) return keep.done(hooks_.keep_lease(keep.lease));
  if (!has_other_leader()) return keep.done(no_leader());
  const uint64_t token = next_token_++;
  say(core_.leader(), raft::Lane::kControl, KeepLease{token, keep.lease});
  keep.deadline_tick = ticks_ + patience_ticks_;
  keeps_.emplace(token, std::move(keep));
}

/// One question for all that came meanwhile.
void Runner::ask_reads(std::vector<Callback<void>> reads) {
  if (reads.empty()) return;
  const uint64_t token = next_token_++;
  reads_.emplace(token, Read{std::move(reads), ticks_ + patience_ticks_, 0});
  core_.read(token);
}

void Runner::note_read(const raft::ReadReady& ready) {
  const auto found = reads_.find(ready.token);
  if (found == reads_.end()) return;
  found->second.index = ready.index;
  found->second.is_refused = ready.index == 0;
}

void Runner::serve_reads() {
  const raft::Index applied = shared_.machine.index();
  std::vector<Callback<void>> served;
  std::erase_if(reads_, [&](auto& read) {
    if (read.second.index == 0 || read.second.index > applied) return false;
    std::move(read.second.done.begin(), read.second.done.end(), std::back_inserter(served));
    return true;
  });
  for (const auto& done : served) done(Status());
}

/// At each tick: who has waited for too long is told, and who was refused asks again.
void Runner::expire() {
  std::vector<std::function<void()>> due;
  const auto is_late = [this](const auto& waiting) { return waiting.deadline_tick <= ticks_; };
  std::erase_if(held_, [&](Proposal& held) {
    if (is_late(held)) due.push_back([done = std::move(held.done)] { done(no_leader()); });
    return is_late(held);
  });
  std::erase_if(forwarded_, [&](auto& forwarded) {
    if (is_late(forwarded.second)) due.push_back([done = std::move(forwarded.second.done)] { done(no_answer()); });
    return is_late(forwarded.second);
  });
  std::erase_if(keeps_, [&](auto& keep) {
    if (is_late(keep.second)) due.push_back([done = std::move(keep.second.done)] { done(no_leader()); });
    return is_late(keep.second);
  });
  std::erase_if(reads_, [&](auto& read) {
    for (auto& done : is_late(read.second) ? read.second.done : std::vector<Callback<void>>())
      due.push_back([done = std::move(done)] { done(no_leader()); });
    return is_late(read.second);
  });
  for (auto& [token, read] : reads_)
    if (std::exchange(read.is_refused, false)) core_.read(token);
  for (const auto& tell : due) tell();
}

/// A leader that goes lets another follow it at once, and what waits for its entry may still get it.
void Runner::hand_over() {
  if (is_single_ || failure_) return;
  raft::NodeId heir = 0;
  for (const auto& [member, role] : core_.membership().members) {
    const auto* const progress = core_.progress(member);
    if (member == core_.node() || role != raft::MemberRole::kVoter || progress == nullptr || !progress->is_active)
      continue;
    if (heir == 0 || progress->match() > core_.progress(heir)->match()) heir = member;
  }
  if (heir != 0) (void)core_.transfer_leadership(heir);
  Work work;
  const uint64_t until = ticks_ + patience_ticks_ / 2;
  while (ticks_ < until && !failure_ && heir != 0 && leads_) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_until(lock, next_tick_, [this] { return !work_.empty(); });
      take_queued(work);
    }
    run(work);
  }
}

void Runner::refuse_rest(const Error& why) {
  for (Waiting& waiting : std::exchange(waiting_, {})) waiting.done(why);
  for (Proposal& held : std::exchange(held_, {})) held.done(why);
  for (auto& [token, forwarded] : std::exchange(forwarded_, {})) forwarded.done(why);
  for (auto& [token, keep] : std::exchange(keeps_, {})) keep.done(why);
  for (auto& [token, read] : std::exchange(reads_, {}))
    for (const auto& done : read.done) done(why);
  Work rest;
  {
    std::lock_guard lock(mutex_);
    std::swap(rest, work_);
  }
  for (Proposal& proposal : rest.proposals) proposal.done(why);
  for (const auto& done : rest.reads) done(why);
  for (Keep& keep : rest.keeps) keep.done(why);
}

}  // namespace novacron::host::state
