// The last events, for subscriptions that resume. Guarded by the bus's mutex.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "host/bus/bus.h"

namespace novacron::host::bus {

class Retention final {
 public:
  /// `first_sequence` is what the first event will have.
  Retention(size_t max_events, size_t max_bytes, uint64_t first_sequence)
      : max_events_(max_events),
        max_bytes_(max_bytes),
        before_first_sequence_(first_sequence - 1),
        forgotten_{first_sequence - 1, {}} {}

  void add(EventPtr event);
  /// Everything that an interest could resume from is here.
  bool reaches(const Interest& interest) const;
  /// Whether an event is behind where the interest resumes.
  bool is_behind(const Interest& interest, const Event& event) const;
  /// Whether the interest resumes at all, rather than from now.
  static bool resumes(const Interest& interest);
  bool is_own(const Cursor& cursor) const;
  const Cursor& oldest() const { return forgotten_; }
  /// Derived events up to this position will not come.
  void skip_state(StatePosition position) { forgotten_.state = std::max(forgotten_.state, position); }
  const std::deque<EventPtr>& events() const { return events_; }
  size_t bytes() const { return bytes_; }

 private:
  const size_t max_events_;
  const size_t max_bytes_;
  std::deque<EventPtr> events_;
  size_t bytes_ = 0;
  const uint64_t before_first_sequence_;
  Cursor forgotten_;                 ///< up to here
  uint64_t forgotten_revision_ = 0;  ///< the highest of the events that are gone
  bool forgot_other_ = false;        ///< than derived events
};

}  // namespace novacron::host::bus
