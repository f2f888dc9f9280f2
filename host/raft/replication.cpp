// How entries get from a leader to the others, and when they count as committed.
#include <algorithm>
#include <cassert>

#include "host/raft/core.h"

namespace novacron::host::raft {

void Core::on(const Message& message, const AppendRequest& request) {
  if (role_ == Role::kLeader) return;
  follow(message.from);
  // What is committed agrees with every leader, so the rest of it need not be looked at.
  if (request.previous_index < commit_) return send_when_durable(message.from, AppendReply{true, commit_});
  if (!log_.has(request.previous_index, request.previous_term)) return refuse(message, request);
  const Index last = add(request);
  commit_through(std::min(request.commit, last));
  send_when_durable(message.from, AppendReply{true, last});
}

/// Cuts only where a term differs: a request that comes late says nothing against what came after it.
Index Core::add(const AppendRequest& request) {
  for (const EntryPtr& entry : request.entries) {
    if (log_.has(entry->index, entry->term)) continue;
    if (entry->index <= log_.last_index()) cut_from(entry->index);
    append(entry);
  }
  return request.previous_index + request.entries.size();
}

void Core::refuse(const Message& message, const AppendRequest& request) {
  const Index hint = log_.last_at_most(request.previous_index, request.previous_term);
  send(message.from, AppendReply{false, request.previous_index, hint, log_.term_at(hint).value_or(0), request.attempt});
}

void Core::on(const Message& message, const AppendReply& reply) {
  const auto found = progress_.find(message.from);
  if (role_ != Role::kLeader || found == progress_.end()) return;
  Progress& progress = found->second;
  progress.is_active = true;
  if (reply.accepted) {
    if (progress.accepted(reply.index)) {
      advance_commit();
      continue_transfer();
    }
  } else if (!progress.rejected(reply.attempt, reply.index, log_.last_at_most(reply.hint_index, reply.hint_term))) {
    return;
  }
  if (message.from != node()) replicate_to(message.from, progress);
}

void Core::on(const Message& message, const Heartbeat& heartbeat) {
  if (role_ == Role::kLeader) return;
  follow(message.from);
  commit_through(std::min(heartbeat.commit, log_.last_index()));
  if (heartbeat.round != 0) send(message.from, HeartbeatReply{heartbeat.round});
}

void Core::on(const Message& message, const HeartbeatReply& reply) {
  const auto found = progress_.find(message.from);
  if (role_ != Role::kLeader || found == progress_.end()) return;
  Progress& progress = found->second;
  progress.is_active = true;
  progress.round_acked = std::max(progress.round_acked, reply.round);
  progress.resume_probe();
  if (progress.snapshot_is_late(tick_, 2 * options_.election_ticks)) progress.probe();
  if (progress.is_stalled() && progress.match() < log_.last_index()) ask_for_lost(message.from, progress);
  confirm_reads();
}

/// What was sent without an answer may be lost: an append of nothing behind it is refused then.
void Core::ask_for_lost(NodeId peer, Progress& progress) {
  const bool all_sent = progress.next() > log_.last_index() || progress.is_paused();
  if (progress.state() == Progress::State::kReplicate && all_sent) return send_append(peer, progress, {});
  replicate_to(peer, progress);
}

void Core::on(const Message& message, const SnapshotRequest& request) {
  if (role_ == Role::kLeader) return;
  follow(message.from);
  const Snapshot& snapshot = *request.snapshot;
  if (snapshot.index > commit_ && log_.has(snapshot.index, snapshot.term)) commit_through(snapshot.index);
  if (snapshot.index <= commit_) return send_when_durable(message.from, AppendReply{true, commit_});
  log_ = EntryLog(snapshot.index, snapshot.term);
  memberships_ = {{snapshot.index, snapshot.membership}};
  commit_ = handed_commit_ = handed_index_ = snapshot.index;
  snapshot_ = ready_.snapshot = request.snapshot;
  send_when_durable(message.from, AppendReply{true, snapshot.index});
}

void Core::commit_through(Index index) {
  if (index <= commit_) return;
  if (role_ == Role::kLeader) {
    for (Index i = commit_ + 1; i <= index; ++i) uncommitted_bytes_ -= log_.at(i)->payload.size();
  }
  commit_ = index;
}

/// Of earlier terms nothing is committed by counting: a later leader might not have it (Raft's figure 8).
void Core::advance_commit() {
  std::vector<Index> matches;
  for (const auto& [member, progress] : progress_) {
    if (membership().votes(member)) matches.push_back(progress.match());
  }
  const size_t quorum = membership().quorum();
  if (matches.size() < quorum) return;
  std::nth_element(matches.begin(), matches.begin() + static_cast<std::ptrdiff_t>(quorum - 1), matches.end(),
                   std::greater<>());
  const Index index = matches[quorum - 1];
  if (index <= commit_ || log_.term_at(index) != hard_state_.term) return;
  commit_through(index);
  is_dirty_ = true;
  for (Read& read : reads_) {
    if (read.index == 0) read.index = commit_;
  }
}

void Core::replicate_to(NodeId peer, Progress& progress) {
  while (!progress.is_paused() && progress.next() <= log_.last_index()) {
    if (progress.next() < log_.first_index()) return send_snapshot(peer, progress);
    send_append(peer, progress,
                log_.slice(progress.next(), log_.last_index(), options_.max_append_entries, kMaxAppendBytes));
  }
}

/// Without `entries` it asks whether the member has all that was sent.
void Core::send_append(NodeId peer, Progress& progress, Entries entries) {
  const Index previous = progress.next() - 1;
  const auto term = log_.term_at(previous);
  if (!term) return send_snapshot(peer, progress);
  progress.sent(entries);
  send(peer, AppendRequest{previous, *term, commit_, std::move(entries), progress.attempt()});
}

/// Without one there is nothing to do but wait until the driver has taken it.
void Core::send_snapshot(NodeId peer, Progress& progress) {
  if (!snapshot_ || snapshot_->index + 1 < log_.first_index()) {
    wants_snapshot_ = true;
    return;
  }
  progress.sent_snapshot(snapshot_->index, tick_);
  send(peer, SnapshotRequest{snapshot_});
}

void Core::replicate_to_all() {
  if (!std::exchange(is_dirty_, false)) return;
  const bool has_news = commit_ > std::exchange(announced_commit_, commit_);
  for (auto& [member, progress] : progress_) {
    if (member == node()) continue;
    const bool has_all = progress.next() > log_.last_index();
    replicate_to(member, progress);
    // Entries bring the commit with them.
    if (has_all && has_news) send(member, Heartbeat{std::min(progress.match(), commit_), 0});
  }
  if (handed_index_ < log_.last_index()) send_when_durable(node(), AppendReply{true, log_.last_index()});
}

void Core::send_heartbeats() {
  ++round_;
  heartbeat_sent_ = tick_;
  for (const auto& [member, progress] : progress_) {
    if (member != node()) send(member, Heartbeat{std::min(progress.match(), commit_), round_});
  }
}

}  // namespace novacron::host::raft
