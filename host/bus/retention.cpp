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
    forgotten_ = {oldest.sequence, std::max(forgotten_.state, oldest.state)};
    forgotten_revision_ = std::max(forgotten_revision_, oldest.revision);
    forgot_other_ |= !oldest.derived;
    events_.pop_front();
  }
}

bool Retention::resumes(const Interest& interest) {
  return interest.after || interest.after_sequence != 0 || interest.after_revision != 0;
}

bool Retention::is_own(const Cursor& cursor) const {
  const uint64_t last = events_.empty() ? forgotten_.sequence : events_.back()->sequence;
  return cursor.sequence >= before_first_sequence_ && cursor.sequence <= last;
}

bool Retention::reaches(const Interest& interest) const {
  if (interest.after) {
    if (is_own(*interest.after)) return interest.after->sequence >= forgotten_.sequence;
    return !forgot_other_ && interest.after->state >= forgotten_.state;
  }
  if (interest.after_sequence != 0) {
    const uint64_t last = events_.empty() ? forgotten_.sequence : events_.back()->sequence;
    if (interest.after_sequence < forgotten_.sequence || interest.after_sequence > last) return false;
  }
  return interest.after_revision == 0 || interest.after_revision >= forgotten_revision_;
}

bool Retention::is_behind(const Interest& interest, const Event& event) const {
  if (interest.after) {
    if (is_own(*interest.after)) return event.sequence > interest.after->sequence;
    return !event.derived || event.state > interest.after->state;
  }
  if (interest.after_sequence != 0 && event.sequence <= interest.after_sequence) return false;
  return interest.after_revision == 0 || event.revision > interest.after_revision;
}

}  // namespace novacron::host::bus
