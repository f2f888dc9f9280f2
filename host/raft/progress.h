// What a leader knows of one member's log, and what it may send it next.
#pragma once

#include <cstddef>
#include <deque>

#include "host/raft/types.h"

namespace novacron::host::raft {

constexpr size_t kMaxMessagesInFlight = 256;              ///< appends to a member that are not answered yet
constexpr size_t kMaxBytesInFlight = 16 * 1'024 * 1'024;  ///< in them

/// No I/O. `next` is what is sent next; `match` is known to be on the member's disk.
class Progress final {
 public:
  enum class State {
    kProbe,      ///< where its log agrees is not known: one append, then its answer
    kReplicate,  ///< appends follow each other without waiting, up to the limits
    kSnapshot,   ///< waits for a snapshot to arrive
  };

  explicit Progress(Index next) : next_(next) {}

  State state() const { return state_; }
  Index match() const { return match_; }
  Index next() const { return next_; }
  /// No more may be sent before an answer comes.
  bool is_paused() const;

  /// An append of `entries` was sent.
  void sent(const Entries& entries);
  void sent_snapshot(Index index, uint64_t tick);

  /// It has everything up to `index`. True: that is news.
  bool accepted(Index index);
  /// Its log does not agree at `index`, and may agree up to `hint`. False: nothing is to be sent for it, as for the
  /// answers to what followed the first that was rejected: each would beget a whole window of appends.
  bool rejected(uint64_t attempt, Index index, Index hint);
  /// Grows when it starts over; appends carry it.
  uint64_t attempt() const { return attempt_; }
  /// It is alive: one more probe may go.
  void resume_probe() { is_probe_out_ = false; }
  /// Nothing new was accepted since this was last asked.
  bool is_stalled();
  /// What was sent last may be lost: go back to what is known.
  void probe();
  /// The snapshot was sent at the earliest at `tick`; true: it must have been lost.
  bool snapshot_is_late(uint64_t tick, uint64_t limit_ticks) const;
  /// The snapshot is still on its way.
  void snapshot_moves(uint64_t tick) { snapshot_tick_ = tick; }

  bool is_active = true;     ///< it was heard of since the quorum was last checked
  uint64_t round_acked = 0;  ///< of heartbeats

 private:
  struct InFlight {
    Index last;
    size_t bytes;
  };
  void replicate();
  void forget_in_flight();

  State state_ = State::kProbe;
  Index match_ = 0;
  Index next_;
  bool is_probe_out_ = false;
  bool has_moved_ = false;
  uint64_t attempt_ = 1;
  std::deque<InFlight> in_flight_;
  size_t bytes_in_flight_ = 0;
  Index snapshot_index_ = 0;
  uint64_t snapshot_tick_ = 0;
};

}  // namespace novacron::host::raft
