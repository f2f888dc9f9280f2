// Randomness, injected so that tests and the simulator own it.
#pragma once

#include <cstddef>

namespace novacron::host {

/// [any] thread.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(void* out, size_t length) = 0;
};

/// The kernel's, fit for keys. Lives as long as the process.
Random& system_random();

}  // namespace novacron::host
