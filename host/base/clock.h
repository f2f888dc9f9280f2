// Time, injected so that tests and the simulator own it.
#pragma once

#include <cstdint>

namespace novacron::host {

/// [any] thread. All values are nanoseconds.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Never goes back; its zero means nothing.
  virtual uint64_t monotonic_ns() const = 0;
  /// Since 1970-01-01 UTC.
  virtual uint64_t real_ns() const = 0;
};

/// The machine's clocks. Lives as long as the process.
const Clock& system_clock();

}  // namespace novacron::host
