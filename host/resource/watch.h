// A watch of the objects of a kind: what the state engine says about keys, told as what happened to objects.
//
// The engine's callback only queues what changed. When the queue is full the engine's watch ends, and a new one starts
// behind the last queued revision once the queue is empty: a slow reader costs a queue, never memory without bound, and
// loses nothing until compaction overtakes it. Objects are put together when they are taken, as of their revision.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "host/resource/filter.h"
#include "host/resource/objects.h"
#include "host/resource/store.h"

namespace novacron::host::resource {

class ObjectWatch final : public Watch {
 public:
  struct Parts {
    state::Engine& engine;
    const Clock& clock;
    std::function<std::shared_ptr<const contract::Schema>()> schema;
    std::string prefix;
    Filter filter;
    uint64_t after_revision = 0;
    std::function<void()> on_ready;
    std::shared_ptr<std::atomic<size_t>> count;  ///< one less when this goes
    std::string version;                         ///< of the kind, by whose names objects are shown; empty: the newest
  };
  explicit ObjectWatch(Parts parts);
  ~ObjectWatch() override;

  Result<std::vector<Event>> take(size_t max) override;
  Result<std::vector<Event>> wait(size_t max, uint64_t deadline_ns) override;

 private:
  /// What one revision did to one object; no name: a bookmark.
  struct Change {
    uint64_t revision = 0;
    ObjectRef ref;
    state::EntryPtr spec_before;
    state::EntryPtr status_before;
    bool spec_changed = false;
    bool spec_removed = false;
  };
  class Queue;

  void start(uint64_t after_revision);
  static std::vector<Change> changes_of(uint64_t revision, const std::vector<state::Event>& events);
  Result<std::optional<Event>> event_of(const Change& change);
  ObjectView shown(const StoredObject& object) const;
  /// As it was before the change, if that can be of interest.
  Result<std::optional<StoredObject>> before(const Change& change);

  Parts parts_;
  Objects objects_;
  std::shared_ptr<Queue> queue_;
  uint64_t bookmark_ = 0;  ///< of changes that were of no interest
};

}  // namespace novacron::host::resource
