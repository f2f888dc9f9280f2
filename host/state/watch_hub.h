// Watchers: each is a cursor in the engine's history. Nothing is queued for a watcher, so that 2,000 slow ones cost no
// memory; the hub only knows which of them have something to read.
#pragma once

#include <functional>
#include <memory>

#include "host/state/engine.h"
#include "host/state/keyspace.h"

namespace novacron::host::state {

/// Where the hub reads. [any] thread, called until WatchHub::stop() has returned.
class ChangeSource {
 public:
  virtual ~ChangeSource() = default;
  virtual Revision revision() const = 0;
  /// The changes behind `after`, in order, at most `limit`; OUT_OF_RANGE "state.compacted".
  virtual Result<std::vector<ChangePtr>> changes(Revision after, size_t limit) const = 0;
};

/// [any] thread.
class WatchHub final {
 public:
  explicit WatchHub(const ChangeSource& source);
  /// stop() must have returned.
  ~WatchHub();
  WatchHub(const WatchHub&) = delete;
  WatchHub& operator=(const WatchHub&) = delete;

  WatchId watch(WatchRequest request, WatchCallbacks callbacks);
  void unwatch(WatchId watch);

  /// The source has new changes.
  void notify();
  /// Tells idle watchers how far the state is.
  void send_progress();
  /// Ends all watchers with `why` and waits for the last on_end to return. Not from a callback.
  void stop(const Error& why);
  size_t watchers() const;

 private:
  class State;
  std::shared_ptr<State> state_;  ///< shared with the work that executors hold
};

}  // namespace novacron::host::state
