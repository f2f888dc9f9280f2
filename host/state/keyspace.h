// The keys with their history: multi-version, in memory, rebuilt from snapshot and log.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/state/engine.h"

namespace novacron::host::state {

/// All that one revision changed. Immutable and shared by the history and by whoever reads it.
struct Change {
  Revision revision = 0;
  uint64_t time_ns = 0;  ///< real time at which it was proposed
  std::vector<Event> events;
};
using ChangePtr = std::shared_ptr<const Change>;

struct Mutation {
  enum class Kind : uint8_t { kPut, kRemove };
  Kind kind = Kind::kPut;
  std::string key;
  std::string value = {};
  uint64_t lease = 0;
};

/// No lock of its own: writers alone, readers beside each other. What it hands out is immutable and outlives any lock.
class Keyspace final {
 public:
  Revision revision() const { return revision_; }
  /// Reads and histories below are refused; what they need may still be there until clean() has removed it.
  Revision floor() const { return floor_; }
  size_t live_keys() const { return live_keys_; }
  size_t live_bytes() const { return live_bytes_; }
  size_t bytes() const { return bytes_; }
  size_t changes() const { return history_.size(); }

  /// Null: absent now.
  EntryPtr find(std::string_view key) const;
  /// As of `at`, which is not below the floor of the last clean(). Neither limit is 0; one entry comes however big it
  /// is.
  RangeReply range(const KeyRange& keys, Revision at, size_t limit, size_t max_bytes = kMaxRangeBytes) const;
  /// At most `limit` changes from the one behind `after` on, which is not below the floor of the last clean().
  std::vector<ChangePtr> history(Revision after, size_t limit) const;
  /// The last revision that is older than `time_ns`, looking at `limit` changes at most; the floor if there is none.
  Revision last_before(uint64_t time_ns, size_t limit) const;

  /// Makes one revision of them: no key twice, and those to be removed are there.
  ChangePtr change(uint64_t time_ns, std::vector<Mutation> mutations);

  void set_floor(Revision floor);
  /// Frees what only revisions below the floor could see, of at most `limit` changes. False: nothing is left to do.
  bool clean(size_t limit);

  /// Rebuilds what a snapshot holds: first the state at its floor, then each change behind it.
  void restore_floor(Revision floor);
  void restore_entry(EntryPtr entry);
  void restore_change(Revision revision, uint64_t time_ns, std::vector<std::pair<std::string, EntryPtr>> entries);

 private:
  struct Version {
    Revision revision;
    EntryPtr entry;  ///< null: removed
  };
  using Versions = std::vector<Version>;
  using Keys = std::map<std::string, Versions, std::less<>>;

  static const EntryPtr* version_at(const Versions& versions, Revision at);
  Event add_version(Keys::iterator key, Revision revision, EntryPtr entry);
  void forget_versions(const std::string& key);

  Keys keys_;
  std::deque<ChangePtr> history_;  ///< every revision behind cleaned_, without a gap
  Revision revision_ = 1;
  Revision floor_ = 1;
  Revision cleaned_ = 1;
  size_t live_keys_ = 0;
  size_t live_bytes_ = 0;
  size_t bytes_ = 0;
};

}  // namespace novacron::host::state
