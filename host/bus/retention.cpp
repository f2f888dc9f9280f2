#include "host/bus/retention.h"

#include <algorithm>

namespace novacron::host::bus {
namespace {

size_t cost(const Event& event) {
  return sizeof event + event.subject.size() + event.tenant.size() + event.trace_parent.size() +
         (event.body ? event.body->size() : 0);
}

}  // namespace

void Retention::add(EventPtr event) {
  bytes_ += cost(*event);
  events_.push_back(std::move(event));
  while (!events_.empty() && (events_.size() > max_events_ || bytes_ > max_bytes_)) {
    const Event& oldest = *events_.front();
    bytes_ -= cost(oldest);
    forgotten_sequence_ = oldest.sequence;
    forgotten_revision_ = std::max(forgotten_revision_, oldest.revision);
    events_.pop_front();
  }
}

bool Retention::reaches(const Interest& interest) const {
  if (interest.after_sequence != 0) {
    const uint64_t last = events_.empty() ? forgotten_sequence_ : events_.back()->sequence;
    if (interest.after_sequence < forgotten_sequence_ || interest.after_sequence > last) return false;
  }
  return interest.after_revision == 0 || interest.after_revision >= forgotten_revision_;
}

}  // namespace novacron::host::bus
