// The replicated state: an ordered map from keys to values in which every change has a revision. One interface for the
// engine of one node and for engines whose log or whose whole state lives elsewhere; so all of it is asynchronous.
//
// Threads. Every function is [any] thread, and none waits for disk or network. A Callback comes exactly once: either
// before the function returns, on the caller's thread, or later on a thread of the engine. It must be quick and must
// not wait for anything (in particular not for another call to the engine, although it may start one). Callbacks that
// are still due when the engine stops get UNAVAILABLE "state.stopped".
//
// Outcome. UNAVAILABLE and DEADLINE_EXCEEDED leave open whether a change was made; every other error means that it was
// not. A Txn that names a session may be tried again safely.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/base/executor.h"
#include "host/base/result.h"

namespace novacron::host::state {

/// Counts the transactions that changed something. An empty state is at revision 1, so that 0 can mean "none" or "now".
using Revision = uint64_t;

constexpr size_t kMaxTxnKeys = 128;  ///< that a transaction compares and writes, in all
constexpr size_t kMaxKeyBytes = 1'024;
constexpr size_t kMaxTxnBytes = 1'000'000;  ///< keys and values of a transaction, in all
constexpr uint32_t kDefaultRangeEntries = 1'000;
constexpr uint32_t kMaxRangeEntries = 10'000;
constexpr size_t kMaxRangeBytes = 8'000'000;
constexpr size_t kMaxWatchers = 2'000;
constexpr size_t kMaxLeases = 10'000;
constexpr size_t kMaxLeaseKeys = 1'024;
constexpr uint64_t kMinLeaseTtlMs = 100;
constexpr uint64_t kMaxLeaseTtlMs = 24ull * 3'600 * 1'000;
constexpr size_t kMaxSessions = 1'024;
constexpr size_t kSessionReplies = 256;  ///< of a session's latest sequence numbers, remembered for retries

/// A key at one of its revisions. Immutable and shared by the engine and all who read it.
struct Entry {
  std::string key;
  std::string value;
  Revision create_revision = 0;  ///< when the key came to be, this time
  Revision mod_revision = 0;     ///< when it got this value
  uint64_t version = 0;          ///< 1 when created, one more for each put
  uint64_t lease = 0;            ///< that removes the key when it ends; 0: none
};
using EntryPtr = std::shared_ptr<const Entry>;

/// Keys from `begin` up to but without `end`. `end` empty: `begin` alone; `end` a single zero byte: all from `begin`
/// on.
struct KeyRange {
  std::string begin;
  std::string end;

  static KeyRange one(std::string key) { return {std::move(key), {}}; }
  static KeyRange prefix(std::string_view prefix);
  static KeyRange all() { return {{}, std::string(1, '\0')}; }
  bool contains(std::string_view key) const;
  bool operator==(const KeyRange&) const = default;
};

/// A condition on one key. An absent key has mod revision 0, version 0, and no value: comparing its value never holds.
struct Compare {
  enum class Target : uint8_t { kModRevision, kVersion, kValue };
  enum class Operator : uint8_t { kEqual, kNotEqual, kLess, kGreater };

  std::string key;
  Target target = Target::kModRevision;
  Operator op = Operator::kEqual;
  uint64_t number = 0;
  std::string value = {};  ///< for kValue: compared as bytes

  static Compare absent(std::string key) { return {std::move(key), Target::kModRevision, Operator::kEqual, 0}; }
  static Compare exists(std::string key) { return {std::move(key), Target::kModRevision, Operator::kGreater, 0}; }
  static Compare unchanged(std::string key, Revision mod_revision) {
    return {std::move(key), Target::kModRevision, Operator::kEqual, mod_revision};
  }
};

struct Put {
  std::string key;
  std::string value;
  uint64_t lease = 0;  ///< 0: none, also if the key had one
};
struct Remove {
  KeyRange keys;  ///< at most kMaxTxnKeys that exist; absent ones are no error
};
using Write = std::variant<Put, Remove>;

/// All compares hold: `writes` are done as one; else `otherwise` are. Refused without effect:
/// INVALID_ARGUMENT "state.key" (empty or too long), "state.duplicate-key" (a key is written twice on one side),
/// "state.sequence" (0 in a session),
/// RESOURCE_EXHAUSTED "state.txn-keys", "state.txn-bytes", "state.disk-full", "state.full", "state.lease-keys",
/// NOT_FOUND "state.lease" (a put names a lease that is not there),
/// FAILED_PRECONDITION "state.session" (no such session, or it was forgotten), "state.sequence" (too old to remember).
struct Txn {
  std::vector<Compare> compares;
  std::vector<Write> writes;
  std::vector<Write> otherwise = {};
  /// From open_session(). A transaction that repeats a session's sequence has no effect and gets the first one's reply.
  uint64_t session = 0;
  uint64_t sequence = 0;  ///< ascending from 1 within the session; several may be under way
};
struct TxnReply {
  bool succeeded = false;  ///< the compares held
  Revision revision = 0;   ///< after the transaction; unchanged if it changed nothing
};

struct RangeRequest {
  KeyRange keys;
  uint32_t limit = 0;        ///< 0: kDefaultRangeEntries; never more than kMaxRangeEntries
  Revision at_revision = 0;  ///< 0: now
  /// kLinearizable: sees every change that was acknowledged before, wherever. kLocal: what this node has, at once.
  enum class Freshness : uint8_t { kLinearizable, kLocal } freshness = Freshness::kLinearizable;
};
struct RangeReply {
  std::vector<EntryPtr> entries;  ///< by key, ascending
  bool more = false;              ///< entries were left off, because of the limit or of kMaxRangeBytes
  Revision revision = 0;          ///< that was read; ask for it to get further pages of the same state
};

/// One key's change.
struct Event {
  EntryPtr entry;     ///< null: removed
  EntryPtr previous;  ///< null: it was not there before

  bool removed() const { return entry == nullptr; }
  const std::string& key() const { return entry ? entry->key : previous->key; }
};

using WatchId = uint64_t;
struct WatchRequest {
  KeyRange keys;
  Revision after_revision = 0;  ///< 0: from now; else every change after it comes
  /// Where the callbacks run, one at a time. Empty: on the engine's watch thread, where they must be quick.
  Executor executor = {};
};

/// They hold what they need: on_end comes exactly once, is the last, and afterwards they are destroyed. For a watch
/// that is refused it comes before watch() returns, on the caller's thread.
struct WatchCallbacks {
  /// All changes that one revision made within the range; each revision exactly once, ascending.
  std::function<void(Revision revision, const std::vector<Event>& events)> on_changes;
  /// Optional. Every change up to `revision` has come: once history has been delivered, and now and then when idle.
  std::function<void(Revision revision)> on_progress = {};
  /// CANCELLED after unwatch(); OUT_OF_RANGE "state.compacted": the watcher is too slow or starts too early, read the
  /// range again; FAILED_PRECONDITION "state.future-revision"; RESOURCE_EXHAUSTED "state.watchers"; UNAVAILABLE.
  std::function<void(Error why)> on_end;
};

struct Lease {
  uint64_t id = 0;
  uint64_t ttl_ms = 0;
};

struct EngineStatus {
  Revision revision = 0;
  Revision compacted = 0;  ///< reads and watches need a revision from here on
  bool writable = true;    ///< false: `alarm` says why changes are refused
  std::string alarm = {};
  uint64_t term = 0;
  uint64_t index = 0;  ///< of the last log entry that was applied
  size_t keys = 0;
  size_t bytes = 0;  ///< keys and values, history included
  size_t watchers = 0;
  size_t leases = 0;
  uint64_t node = 0;
  uint64_t leader = 0;  ///< 0: unknown just now
  size_t members = 0;   ///< of the cluster, as of the last entry that was applied
};

template <class T>
using Callback = std::function<void(Result<T>)>;

/// [any] thread; see above for the callbacks.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual void txn(Txn txn, Callback<TxnReply> done) = 0;
  /// UNAVAILABLE "state.no-leader" of a linearizable one; OUT_OF_RANGE "state.compacted" below the compaction,
  /// FAILED_PRECONDITION "state.future-revision" above revision().
  virtual void range(RangeRequest request, Callback<RangeReply> done) = 0;

  /// A refusal comes by on_end. Changes are kept by the engine's history alone, so that a slow watcher costs nothing
  /// and ends, with OUT_OF_RANGE, only when compaction overtakes it.
  virtual WatchId watch(WatchRequest request, WatchCallbacks callbacks) = 0;
  /// Returns at once; on_end follows, unless it already came. Unknown ids are fine.
  virtual void unwatch(WatchId watch) = 0;

  /// When the lease ends, its keys are removed in one revision. RESOURCE_EXHAUSTED "state.leases"; INVALID_ARGUMENT
  /// "state.lease-ttl".
  virtual void grant_lease(uint64_t ttl_ms, Callback<Lease> done) = 0;
  /// Starts the time to live anew. NOT_FOUND "state.lease": it has ended.
  virtual void keep_lease(uint64_t lease, Callback<Lease> done) = 0;
  virtual void revoke_lease(uint64_t lease, Callback<void> done) = 0;

  /// For Txn::session. When there are kMaxSessions, the one that was idle for longest is forgotten.
  virtual void open_session(Callback<uint64_t> done) = 0;

  /// Forgets history before `revision`, which itself stays readable. Lower than before: no effect; FAILED_PRECONDITION
  /// "state.future-revision".
  virtual void compact(Revision revision, Callback<void> done) = 0;

  /// The last that this node has applied.
  virtual Revision revision() const = 0;
  virtual EngineStatus status() const = 0;
};

}  // namespace novacron::host::state
