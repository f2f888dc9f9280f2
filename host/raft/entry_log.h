// The part of the log that is in memory: every entry behind the last compaction.
#pragma once

#include <deque>
#include <optional>

#include "host/raft/types.h"

namespace novacron::host::raft {

/// No thread of its own, no I/O. Indexes are contiguous.
class EntryLog final {
 public:
  /// Empty, behind the entry (`index`, `term`) that a snapshot holds; (0, 0): the beginning.
  EntryLog(Index index, Term term) : before_index_(index), before_term_(term) {}

  Index first_index() const { return before_index_ + 1; }
  Index last_index() const { return before_index_ + entries_.size(); }
  Term last_term() const { return entries_.empty() ? before_term_ : entries_.back()->term; }
  /// Of the entry at `index`, or of the last one that was compacted. Nothing: compacted, or not there yet.
  std::optional<Term> term_at(Index index) const;
  bool has(Index index, Term term) const { return term_at(index) == term; }
  /// first_index() <= index <= last_index().
  const EntryPtr& at(Index index) const;

  /// Its index must be last_index() + 1.
  void append(EntryPtr entry);
  /// Forgets `index` and all behind it.
  void cut_from(Index index);
  /// Forgets all up to `index`, which must be there.
  void compact_through(Index index);

  /// From `begin` up to and with `end`: at least one, and no more than `max_entries` and about `max_bytes`.
  Entries slice(Index begin, Index end, size_t max_entries, size_t max_bytes) const;
  /// The last entry whose index is at most `index` and whose term at most `term`; the last compacted one if there is
  /// none.
  Index last_at_most(Index index, Term term) const;

 private:
  Index before_index_;
  Term before_term_;
  std::deque<EntryPtr> entries_;
};

}  // namespace novacron::host::raft
