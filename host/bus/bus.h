// Events: published by anybody, delivered in order and in batches to whoever subscribed. Publishing never waits for a
// subscriber: each has a bounded queue, and what happens when it is full is the subscriber's choice, but never silence.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/base/clock.h"
#include "host/base/executor.h"
#include "host/base/result.h"

namespace novacron::host::bus {

constexpr size_t kMaxEventBytes = 256 * 1'024;  ///< of a body
constexpr size_t kMaxTraceParentBytes = 64;
constexpr size_t kMaxTenantBytes = 63;
constexpr size_t kMaxPublishedAtOnce = 65'536;
constexpr size_t kMaxSubscriptions = 10'000;
constexpr size_t kDefaultQueued = 1'024;
constexpr size_t kMaxQueued = 65'536;
constexpr size_t kDefaultBatch = 256;
constexpr size_t kMaxBatch = 4'096;

/// Where in the order of changes of the state something is: the revision, and which of its changes.
struct StatePosition {
  uint64_t revision = 0;
  uint32_t part = 0;

  auto operator<=>(const StatePosition&) const = default;
};

/// Immutable once published, and shared by all its subscribers.
struct Event {
  std::string subject;
  std::string tenant = {};  ///< empty: it concerns the whole host
  std::string trace_parent = {};
  std::shared_ptr<const std::string> body = {};
  uint64_t revision = 0;  ///< of the state that it derives from; 0: none
  uint64_t time_ns = 0;   ///< real time; 0: the bus fills it in
  uint64_t sequence = 0;  ///< given by the bus: ascending by one with each event of this bus
  /// It follows from the state alone, in whose order it is published: another run of the host tells the same, with this
  /// revision and part.
  bool derived = false;
  uint32_t part = 0;
  StatePosition state = {};  ///< given by the bus: of the last derived event up to this one
};
using EventPtr = std::shared_ptr<const Event>;

struct Batch {
  /// Events that the subscriber would have got just before the first of these, but which overflow or the end of
  /// retention took. A lower bound where the ring can no longer tell.
  uint64_t missed = 0;
  std::vector<EventPtr> events;
};

enum class Overflow : uint8_t {
  kEnd,         ///< what is queued still comes, then on_end(OUT_OF_RANGE "bus.overflow"): resume from the last one
  kDropOldest,  ///< counted in Batch::missed
};

/// Behind which event somebody resumes, on this bus or another.
struct Cursor {
  uint64_t sequence = 0;
  StatePosition state = {};
};

struct Interest {
  std::string pattern;
  std::optional<std::string> tenant = {};  ///< events of exactly this tenant; without: of all
  Overflow overflow = Overflow::kEnd;
  size_t max_queued = 0;  ///< 0: kDefaultQueued
  size_t max_batch = 0;   ///< 0: kDefaultBatch
  /// Where to resume: events behind the sequence, or those with a revision behind the revision, come first, from what
  /// is retained. What is retained no longer counts as overflow: OUT_OF_RANGE "bus.compacted", or `missed`.
  uint64_t after_sequence = 0;
  uint64_t after_revision = 0;
  /// Instead of these two. Where its sequence is of another bus, what derives from the state comes behind its position,
  /// and all else that this bus has.
  std::optional<Cursor> after = {};
  Executor executor =
      {};  ///< where the callbacks run, one at a time; empty: on the bus's own thread, to be quick there
};

struct Callbacks {
  std::function<void(const Batch& batch)> on_events;
  /// Exactly once and last, also for a refused subscription; then both are destroyed. CANCELLED: unsubscribed.
  std::function<void(Error why)> on_end;
};

using SubscriptionId = uint64_t;

/// [any] thread; nothing here blocks or calls back before it returns, except through an executor that runs work at
/// once.
class Bus final {
 public:
  struct Options {
    size_t retained_events = 16'384;
    size_t retained_bytes = 8 * 1'024 * 1'024;
  };
  struct Stats {
    uint64_t published = 0;
    uint64_t delivered = 0;  ///< handed to callbacks
    uint64_t missed = 0;
    uint64_t ended = 0;  ///< by overflow
    size_t subscriptions = 0;
    size_t retained_events = 0;
    size_t retained_bytes = 0;
    uint64_t last_sequence = 0;
  };

  explicit Bus(const Clock& clock);
  Bus(const Clock& clock, Options options);
  /// Ends what is still subscribed with UNAVAILABLE "bus.stopped" and waits until every on_end has returned. Executors
  /// must still run work.
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  /// INVALID_ARGUMENT "bus.subject", "bus.event". All or none of a batch; it is delivered in its order.
  Status publish(Event event);
  Status publish(std::vector<Event> events);

  /// A refusal comes by on_end: INVALID_ARGUMENT "bus.pattern", RESOURCE_EXHAUSTED "bus.subscriptions".
  SubscriptionId subscribe(Interest interest, Callbacks callbacks);
  /// Returns at once; what is queued is dropped, and on_end follows unless it already came. Unknown ids are fine.
  void unsubscribe(SubscriptionId subscription);

  /// What is retained that an interest would get, without a subscription. OUT_OF_RANGE "bus.compacted".
  Result<std::vector<EventPtr>> retained(const Interest& interest) const;
  /// The earliest cursor that can be resumed from.
  Cursor oldest() const;
  /// Whether this bus, and no earlier one, gave the cursor.
  bool is_own(const Cursor& cursor) const;
  /// Before the first derived event, and after a gap in them: those up to `revision` do not come.
  void begin_state(uint64_t revision);

  Stats stats() const;

 private:
  class State;
  std::shared_ptr<State> state_;  ///< shared with deliveries under way on executors
};

}  // namespace novacron::host::bus
