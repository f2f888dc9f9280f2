#include "host/raft/progress.h"

#include <algorithm>
#include <utility>

namespace novacron::host::raft {

bool Progress::is_paused() const {
  switch (state_) {
    case State::kProbe:
      return is_probe_out_;
    case State::kReplicate:
      return in_flight_.size() >= kMaxMessagesInFlight || bytes_in_flight_ >= kMaxBytesInFlight;
    case State::kSnapshot:
      return true;
  }
  return true;
}

void Progress::sent(const Entries& entries) {
  if (state_ == State::kProbe) is_probe_out_ = true;
  if (state_ != State::kReplicate || entries.empty()) return;
  size_t bytes = 0;
  for (const EntryPtr& entry : entries) bytes += entry->payload.size();
  next_ = entries.back()->index + 1;
  in_flight_.push_back({entries.back()->index, bytes});
  bytes_in_flight_ += bytes;
}

void Progress::sent_snapshot(Index index, uint64_t tick) {
  forget_in_flight();
  state_ = State::kSnapshot;
  snapshot_index_ = index;
  snapshot_tick_ = tick;
}

bool Progress::accepted(Index index) {
  while (!in_flight_.empty() && in_flight_.front().last <= index) {
    bytes_in_flight_ -= in_flight_.front().bytes;
    in_flight_.pop_front();
  }
  const bool is_news = index > match_;
  has_moved_ = has_moved_ || is_news;
  match_ = std::max(match_, index);
  next_ = std::max(next_, match_ + 1);
  if (state_ == State::kProbe || (state_ == State::kSnapshot && match_ >= snapshot_index_)) replicate();
  return is_news;
}

bool Progress::rejected(uint64_t attempt, Index index, Index hint) {
  if (attempt != attempt_) return false;
  if (state_ == State::kReplicate) {
    if (index <= match_) return false;
    probe();
    return true;
  }
  if (state_ == State::kSnapshot || index + 1 != next_) return false;
  const Index before = std::exchange(next_, std::max(std::min(index, hint + 1), match_ + 1));
  // It lacks what it had on its disk: asking again at once would go on for ever, so that waits for a heartbeat.
  is_probe_out_ = next_ == before;
  return !is_probe_out_;
}

bool Progress::is_stalled() {
  return !std::exchange(has_moved_, false);
}

void Progress::probe() {
  forget_in_flight();
  state_ = State::kProbe;
  ++attempt_;
  next_ = match_ + 1;
  is_probe_out_ = false;
}

bool Progress::snapshot_is_late(uint64_t tick, uint64_t limit_ticks) const {
  return state_ == State::kSnapshot && tick - snapshot_tick_ > limit_ticks;
}

void Progress::replicate() {
  state_ = State::kReplicate;
  is_probe_out_ = false;
  next_ = match_ + 1;
}

void Progress::forget_in_flight() {
  in_flight_.clear();
  bytes_in_flight_ = 0;
}

}  // namespace novacron::host::raft
