// Reads that see every write acknowledged before them: a quorum says that this node still leads.
#include <algorithm>

#include "host/raft/core.h"

namespace novacron::host::raft {

bool Core::has_committed_in_term() const {
  return log_.term_at(commit_) == hard_state_.term;
}

void Core::read(uint64_t token) {
  if (role_ == Role::kLeader) return queue_read(node(), token);
  if (leader_ == 0 || forwarded_.size() >= kMaxReads) return answer_read(node(), token, 0);
  forwarded_[token] = tick_;
  send(leader_, ReadRequest{token});
}

void Core::queue_read(NodeId from, uint64_t token) {
  if (reads_.size() >= kMaxReads) return answer_read(from, token, 0);
  // Until its first entry is committed a leader does not know how far earlier ones have committed.
  reads_.push_back({from, token, has_committed_in_term() ? commit_ : 0, 0});
}

void Core::answer_read(NodeId from, uint64_t token, Index index) {
  if (from == node()) {
    ready_.reads.push_back({token, index});
  } else {
    send(from, ReadReply{token, index});
  }
}

/// One round for all that came since the last one.
void Core::send_read_round() {
  const auto is_new = [](const Read& read) { return read.index != 0 && read.round == 0; };
  if (std::none_of(reads_.begin(), reads_.end(), is_new)) return;
  send_heartbeats();
  for (Read& read : reads_) {
    if (is_new(read)) read.round = round_;
  }
  confirm_reads();
}

void Core::confirm_reads() {
  const auto is_confirmed = [&](const Read& read) {
    size_t acked = 0;
    for (const auto& [member, progress] : progress_) {
      if (membership().votes(member) && (member == node() || progress.round_acked >= read.round)) ++acked;
    }
    return read.round != 0 && acked >= membership().quorum();
  };
  while (!reads_.empty() && is_confirmed(reads_.front())) {
    const Read& read = reads_.front();
    answer_read(read.from, read.token, read.index);
    reads_.pop_front();
  }
}

void Core::on(const Message& message, const ReadRequest& request) {
  if (role_ == Role::kLeader) return queue_read(message.from, request.token);
  send(message.from, ReadReply{request.token, 0});
}

void Core::on(const Message&, const ReadReply& reply) {
  if (forwarded_.erase(reply.token) > 0) ready_.reads.push_back({reply.token, reply.index});
}

void Core::refuse_reads() {
  for (const Read& read : reads_) answer_read(read.from, read.token, 0);
  reads_.clear();
}

void Core::refuse_forwarded() {
  for (const auto& [token, sent] : forwarded_) ready_.reads.push_back({token, 0});
  forwarded_.clear();
}

/// The request or its answer is lost.
void Core::expire_forwarded() {
  std::erase_if(forwarded_, [&](const auto& forwarded) {
    const bool is_late = tick_ - forwarded.second > 2 * options_.election_ticks;
    if (is_late) ready_.reads.push_back({forwarded.first, 0});
    return is_late;
  });
}

}  // namespace novacron::host::raft
