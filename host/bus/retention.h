// The last events, for subscriptions that resume. Guarded by the bus's mutex.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "host/bus/bus.h"

namespace novacron::host::bus {

class Retention final {
 public:
  /// `first_sequence` is what the first event will have.
  Retention(size_t max_events, size_t max_bytes, uint64_t first_sequence)
      : max_events_(max_events), max_bytes_(max_bytes), forgotten_sequence_(first_sequence - 1) {}

  void add(EventPtr event);
  /// Everything that an interest could resume from is here.
  bool reaches(const Interest& interest) const;
  const std::deque<EventPtr>& events() const { return events_; }
  size_t bytes() const { return bytes_; }

 private:
  const size_t max_events_;
  const size_t max_bytes_;
  std::deque<EventPtr> events_;
  size_t bytes_ = 0;
  uint64_t forgotten_sequence_;      ///< up to here
  uint64_t forgotten_revision_ = 0;  ///< the highest of the events that are gone
};

}  // namespace novacron::host::bus
