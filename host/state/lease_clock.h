// When leases end: this node's own view, by its monotonic clock. The leases themselves are replicated, their deadlines
// are not; a restart gives every lease its whole time to live again.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "host/state/engine.h"

namespace novacron::host::state {

/// [any] thread.
class LeaseClock final {
 public:
  void start(Lease lease, uint64_t now_ns);
  /// NOT_FOUND "state.lease", also for one that expired() has given out.
  Result<Lease> keep(uint64_t lease, uint64_t now_ns);
  void forget(uint64_t lease);
  /// These are there and no others; those that are new start now.
  void follow(const std::map<uint64_t, uint64_t>& ttls_ms, uint64_t now_ns);
  void clear();
  /// Those whose time is over, each once; it is to be ended through the log.
  std::vector<uint64_t> expired(uint64_t now_ns);
  /// Ending it did not work: give it out again.
  void retry(uint64_t lease);

 private:
  struct Timer {
    uint64_t ttl_ms;
    uint64_t deadline_ns;
    bool expired;
  };
  std::mutex mutex_;
  std::map<uint64_t, Timer> timers_;
};

}  // namespace novacron::host::state
