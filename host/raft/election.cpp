// Who leads: campaigns, votes, and a leader's own doubts.
#include <algorithm>

#include "host/raft/core.h"

namespace novacron::host::raft {

/// Who is being voted out may still be the only one with the entry that says so: until that is committed, it stands.
bool Core::may_campaign() const {
  return membership().votes(node()) || membership_at(commit_).votes(node());
}

bool Core::has_leader() const {
  return role_ == Role::kLeader || (leader_ != 0 && tick_ - timer_started_ < options_.election_ticks);
}

void Core::follow(NodeId leader) {
  if (role_ != Role::kFollower || leader_ != leader) become_follower(hard_state_.term, leader);
  timer_started_ = tick_;
}

/// One's own vote comes back as a message, once it is on the disk.
void Core::campaign(VoteKind kind) {
  const bool is_pre = kind == VoteKind::kPre;
  become_follower(hard_state_.term, 0);
  role_ = is_pre ? Role::kPreCandidate : Role::kCandidate;
  if (!is_pre) hard_state_ = {hard_state_.term + 1, node()};
  const VoteRequest request{kind, log_.last_index(), log_.last_term()};
  for (const auto& [member, role] : membership().members) {
    if (member == node() || !membership().votes(member)) continue;
    if (is_pre) {
      send_at(hard_state_.term + 1, member, request);
    } else {
      send_when_durable(member, request);
    }
  }
  if (!is_pre) return send_when_durable(node(), VoteReply{kind, true});
  votes_[node()] = true;
  count_votes();
}

void Core::on(const Message& message, const VoteRequest& request) {
  const bool is_pre = request.kind == VoteKind::kPre;
  const bool is_later_term = message.term > hard_state_.term;  // of a kPre only
  const bool is_free = is_later_term || hard_state_.vote == message.from || (hard_state_.vote == 0 && leader_ == 0);
  const bool is_up_to_date = request.last_term > log_.last_term() ||
                             (request.last_term == log_.last_term() && request.last_index >= log_.last_index());
  const bool granted = is_free && is_up_to_date && !(is_pre && has_leader());
  if (is_pre) return send_at(granted ? message.term : hard_state_.term, message.from, VoteReply{request.kind, granted});
  if (granted) {
    hard_state_.vote = message.from;
    reset_timer();
  }
  send_when_durable(message.from, VoteReply{request.kind, granted});
}

void Core::on(const Message& message, const VoteReply& reply) {
  const bool is_pre = reply.kind == VoteKind::kPre;
  if (role_ != (is_pre ? Role::kPreCandidate : Role::kCandidate)) return;
  if (is_pre && reply.granted && message.term != hard_state_.term + 1) return;
  votes_[message.from] = reply.granted;
  count_votes();
}

void Core::count_votes() {
  size_t granted = 0;
  size_t refused = 0;
  for (const auto& [voter, is_granted] : votes_) {
    if (membership().votes(voter)) ++(is_granted ? granted : refused);
  }
  if (granted >= membership().quorum())
    return role_ == Role::kPreCandidate ? campaign(VoteKind::kElection) : become_leader();
  if (refused >= membership().quorum()) become_follower(hard_state_.term, 0);
}

/// Its first entry commits what earlier terms have left: that cannot be done by counting.
void Core::become_leader() {
  become_follower(hard_state_.term, node());
  role_ = Role::kLeader;
  round_ = 0;
  announced_commit_ = 0;
  for (Index index = commit_ + 1; index <= log_.last_index(); ++index)
    uncommitted_bytes_ += log_.at(index)->payload.size();
  for (const auto& [member, role] : membership().members) progress_.try_emplace(member, log_.last_index() + 1);
  append(std::make_shared<Entry>(Entry{hard_state_.term, log_.last_index() + 1, EntryKind::kNoop, {}}));
  send_heartbeats();
}

void Core::on(const Message& message, const TimeoutNow&) {
  if (message.from == leader_ && may_campaign()) campaign(VoteKind::kTransfer);
}

void Core::tick_leader() {
  if (tick_ - heartbeat_sent_ >= options_.heartbeat_ticks) send_heartbeats();
  if (transfer_to_ != 0 && tick_ - transfer_started_ >= options_.election_ticks) transfer_to_ = 0;
  hand_over_if_witness();
  if (tick_ - timer_started_ >= options_.election_ticks) check_quorum();
}

/// A leader that a quorum does not answer steps down, since the others may have another one.
void Core::check_quorum() {
  timer_started_ = tick_;
  size_t active = 0;
  for (auto& [member, progress] : progress_) {
    const bool is_active = member == node() || progress.is_active;
    progress.is_active = false;
    if (is_active && membership().votes(member)) ++active;
  }
  if (active < membership().quorum()) become_follower(hard_state_.term, 0);
}

void Core::hand_over_if_witness() {
  if (transfer_to_ != 0 || !membership().is_witness(node()) || !has_committed_in_term()) return;
  for (const auto& [member, progress] : progress_) {
    const bool can_lead = membership().votes(member) && !membership().is_witness(member);
    if (can_lead && progress.is_active && progress.match() == log_.last_index()) {
      (void)transfer_leadership(member);
      return;
    }
  }
}

Status Core::transfer_leadership(NodeId to) {
  if (role_ != Role::kLeader) return Error{Code::kUnavailable, "this node does not lead", "raft.not-leader"};
  if (!membership().votes(to)) return Error{Code::kNotFound, "the new leader must be a voter", "raft.not-a-voter"};
  if (to == node()) return {};
  transfer_to_ = to;
  transfer_started_ = tick_;
  continue_transfer();
  return {};
}

void Core::continue_transfer() {
  if (transfer_to_ == 0) return;
  const Progress* const heir = progress(transfer_to_);
  if (heir && heir->match() == log_.last_index()) send(transfer_to_, TimeoutNow{});
}

}  // namespace novacron::host::raft
