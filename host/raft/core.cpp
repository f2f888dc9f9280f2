#include "host/raft/core.h"

#include <cassert>
#include <utility>

namespace novacron::host::raft {
namespace {

constexpr Index kCaughtUpEntries = 1'000;  ///< that a learner may lack and still get its vote

template <class T>
bool is(const Message& message) {
  return std::holds_alternative<T>(message.body);
}

/// Only a leader sends it.
bool is_a_leaders(const Message& message) {
  return is<AppendRequest>(message) || is<Heartbeat>(message) || is<SnapshotRequest>(message);
}

/// Its term is one in which nobody has stood yet.
bool is_hypothetical(const Message& message) {
  if (const auto* request = std::get_if<VoteRequest>(&message.body)) return request->kind == VoteKind::kPre;
  const auto* reply = std::get_if<VoteReply>(&message.body);
  return reply && reply->kind == VoteKind::kPre && reply->granted;
}

Error unavailable(std::string why, std::string reason) {
  return {Code::kUnavailable, std::move(why), std::move(reason)};
}

}  // namespace

bool Ready::empty() const {
  return !has_writes() && messages.empty() && messages_when_durable.empty() && committed.empty() && reads.empty();
}

Result<Core> Core::restore(Options options, Stored stored) {
  for (const EntryPtr& entry : stored.entries) {
    if (entry->kind == EntryKind::kMembership) (void)TRY(decode_membership(entry->payload));
  }
  return Core(std::move(options), std::move(stored));
}

Core::Core(Options options, Stored stored)
    : options_(std::move(options)),
      hard_state_(stored.hard_state),
      handed_hard_state_(stored.hard_state),
      log_(stored.snapshot.index, stored.snapshot.term),
      handed_index_(stored.snapshot.index + stored.entries.size()),
      commit_(stored.snapshot.index),
      handed_commit_(stored.snapshot.index) {
  memberships_.emplace(stored.snapshot.index, stored.snapshot.membership);
  for (EntryPtr& entry : stored.entries) append(std::move(entry));
  if (stored.snapshot.image) snapshot_ = std::make_shared<const Snapshot>(std::move(stored.snapshot));
  reset_timer();
}

void Core::tick() {
  ++tick_;
  expire_forwarded();
  if (role_ == Role::kLeader) {
    tick_leader();
  } else if (tick_ - timer_started_ >= timeout_ticks_ && may_campaign()) {
    campaign(VoteKind::kPre);
  }
}

void Core::receive(Message message) {
  if (message.to != node()) return;
  if (message.term < hard_state_.term) return answer_the_past(message);
  if (message.term > hard_state_.term && !joins_newer_term(message)) return;
  std::visit([&](const auto& body) { on(message, body); }, message.body);
}

/// A leader that was deposed learns so by the term of the answer; of a candidate that asks beforehand likewise.
void Core::answer_the_past(const Message& message) {
  if (is_a_leaders(message)) send(message.from, HeartbeatReply{});
  const auto* request = std::get_if<VoteRequest>(&message.body);
  if (request && request->kind == VoteKind::kPre) send(message.from, VoteReply{VoteKind::kPre, false});
}

/// False: not to be heeded. Who has a leader does not let itself be drawn into an election by one that was cut off.
bool Core::joins_newer_term(const Message& message) {
  if (is_hypothetical(message)) return true;
  const auto* request = std::get_if<VoteRequest>(&message.body);
  if (request && request->kind == VoteKind::kElection && has_leader()) return false;
  become_follower(message.term, is_a_leaders(message) ? message.from : 0);
  return true;
}

void Core::become_follower(Term term, NodeId leader) {
  if (term > hard_state_.term) hard_state_ = {term, 0};
  refuse_reads();
  if (leader != leader_) refuse_forwarded();
  role_ = Role::kFollower;
  leader_ = leader;
  votes_.clear();
  progress_.clear();
  transfer_to_ = 0;
  uncommitted_bytes_ = 0;
  reset_timer();
}

void Core::reset_timer() {
  timer_started_ = tick_;
  timeout_ticks_ = options_.election_ticks + static_cast<uint32_t>(options_.random() % options_.election_ticks);
  if (membership().is_witness(node())) timeout_ticks_ += 2 * options_.election_ticks;
}

void Core::send_at(Term term, NodeId to, decltype(Message::body) body) {
  ready_.messages.push_back({node(), to, term, std::move(body)});
}

void Core::send_when_durable(NodeId to, decltype(Message::body) body) {
  ready_.messages_when_durable.push_back({node(), to, hard_state_.term, std::move(body)});
}

Result<Index> Core::propose(std::string command) {
  if (role_ != Role::kLeader) return unavailable("this node does not lead", "raft.not-leader");
  if (transfer_to_ != 0) return unavailable("the leader is just handing over", "raft.transferring");
  if (command.size() > kMaxEntryBytes) {
    return Error{Code::kInvalidArgument, "an entry has at most 1 MiB", "raft.entry-too-large"};
  }
  if (uncommitted_bytes_ + command.size() > kMaxUncommittedBytes) {
    return unavailable("16 MiB wait to be committed", "raft.busy");
  }
  append(
      std::make_shared<Entry>(Entry{hard_state_.term, log_.last_index() + 1, EntryKind::kCommand, std::move(command)}));
  return log_.last_index();
}

Result<Index> Core::change_membership(const MembershipChange& change) {
  if (role_ != Role::kLeader) return unavailable("this node does not lead", "raft.not-leader");
  if (transfer_to_ != 0) return unavailable("the leader is just handing over", "raft.transferring");
  if (memberships_.rbegin()->first > commit_ || !has_committed_in_term()) {
    return Error{Code::kFailedPrecondition, "another change of the members is not through yet", "raft.change-pending"};
  }
  const Membership after = TRY(changed(membership(), change));
  const Progress* const learner = progress(change.node);
  const bool gets_vote = after.votes(change.node) && !membership().votes(change.node);
  if (gets_vote && (!learner || learner->match() + kCaughtUpEntries < log_.last_index())) {
    return Error{Code::kFailedPrecondition, "the learner does not have the log yet", "raft.not-caught-up"};
  }
  append(
      std::make_shared<Entry>(Entry{hard_state_.term, log_.last_index() + 1, EntryKind::kMembership, encode(after)}));
  return log_.last_index();
}

void Core::append(EntryPtr entry) {
  const bool is_membership = entry->kind == EntryKind::kMembership;
  if (is_membership) {
    auto decoded = decode_membership(entry->payload);
    assert(decoded.ok());  // whoever reads it from a disk or a peer has looked
    memberships_[entry->index] = std::move(decoded).value();
  }
  if (role_ == Role::kLeader) uncommitted_bytes_ += entry->payload.size();
  log_.append(std::move(entry));
  if (is_membership) follow_membership();
  is_dirty_ = true;
}

/// Never what is committed: that would be two histories.
void Core::cut_from(Index index) {
  assert(index > commit_);
  log_.cut_from(index);
  handed_index_ = std::min(handed_index_, index - 1);
  memberships_.erase(memberships_.lower_bound(index), memberships_.end());
}

/// A leader has a Progress for each member, itself included.
void Core::follow_membership() {
  if (role_ != Role::kLeader) return;
  std::erase_if(progress_, [&](const auto& known) { return !membership().contains(known.first); });
  for (const auto& [member, role] : membership().members) progress_.try_emplace(member, log_.last_index());
}

const Membership& Core::membership_at(Index index) const {
  auto after = memberships_.upper_bound(index);
  assert(after != memberships_.begin());
  return std::prev(after)->second;
}

const Progress* Core::progress(NodeId peer) const {
  const auto found = progress_.find(peer);
  return found == progress_.end() ? nullptr : &found->second;
}

void Core::snapshot_taken(std::shared_ptr<const Snapshot> snapshot, Index keep_from) {
  assert(snapshot->index <= handed_commit_);
  if (snapshot_ && snapshot_->index >= snapshot->index) return;
  snapshot_ = std::move(snapshot);
  wants_snapshot_ = false;
  forget_through(std::min(keep_from, snapshot_->index));
}

void Core::forget_through(Index index) {
  assert(index <= handed_commit_ && index <= handed_index_);
  log_.compact_through(index);
  const auto in_force = std::prev(memberships_.upper_bound(log_.first_index() - 1));
  memberships_.erase(memberships_.begin(), in_force);
}

void Core::snapshot_moves(NodeId peer) {
  const auto found = progress_.find(peer);
  if (found != progress_.end()) found->second.snapshot_moves(tick_);
}

void Core::snapshot_failed(NodeId peer) {
  const auto found = progress_.find(peer);
  if (found != progress_.end() && found->second.state() == Progress::State::kSnapshot) found->second.probe();
}

Ready Core::take_ready() {
  if (role_ == Role::kLeader) {
    replicate_to_all();
    send_read_round();
  }
  Ready ready = std::exchange(ready_, {});
  if (hard_state_ != handed_hard_state_) ready.hard_state = handed_hard_state_ = hard_state_;
  for (Index index = handed_index_ + 1; index <= log_.last_index(); ++index) ready.entries.push_back(log_.at(index));
  handed_index_ = log_.last_index();
  hand_out_committed(ready);
  return ready;
}

void Core::hand_out_committed(Ready& ready) {
  while (handed_commit_ < commit_) ready.committed.push_back(log_.at(++handed_commit_));
  // One that was voted out leads until that is committed, and the others have been told.
  const bool is_out = memberships_.rbegin()->first <= commit_ && !membership().votes(node());
  if (role_ == Role::kLeader && is_out) become_follower(hard_state_.term, 0);
}

}  // namespace novacron::host::raft
