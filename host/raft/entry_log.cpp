#include "host/raft/entry_log.h"

#include <algorithm>
#include <cassert>

namespace novacron::host::raft {

std::optional<Term> EntryLog::term_at(Index index) const {
  if (index == before_index_) return before_term_;
  if (index < before_index_ || index > last_index()) return std::nullopt;
  return at(index)->term;
}

const EntryPtr& EntryLog::at(Index index) const {
  assert(index > before_index_ && index <= last_index());
  return entries_[index - before_index_ - 1];
}

void EntryLog::append(EntryPtr entry) {
  assert(entry->index == last_index() + 1);
  entries_.push_back(std::move(entry));
}

void EntryLog::cut_from(Index index) {
  assert(index > before_index_);
  if (index > last_index()) return;
  entries_.resize(index - before_index_ - 1);
}

void EntryLog::compact_through(Index index) {
  if (index <= before_index_) return;
  before_term_ = at(index)->term;
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(index - before_index_));
  before_index_ = index;
}

Entries EntryLog::slice(Index begin, Index end, size_t max_entries, size_t max_bytes) const {
  Entries out;
  size_t bytes = 0;
  end = std::min(end, last_index());
  for (Index index = begin; index <= end && out.size() < max_entries; ++index) {
    const EntryPtr& entry = at(index);
    bytes += entry->payload.size();
    if (!out.empty() && bytes > max_bytes) break;
    out.push_back(entry);
  }
  return out;
}

Index EntryLog::last_at_most(Index index, Term term) const {
  index = std::min(index, last_index());
  while (index > before_index_ && at(index)->term > term) --index;
  return std::max(index, before_index_);
}

}  // namespace novacron::host::raft
