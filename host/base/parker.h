// Where one thread sleeps until another wakes it: what a condition variable does, without a lock that both want.
#pragma once

#include <atomic>
#include <cstdint>

#include "host/base/spin.h"

namespace novacron::host {

/// Of one thread. A wake-up that comes before the sleep is kept; several before it count as one. What was written
/// before unpark() is seen after the park() that it ends.
class Parker final {
 public:
  static constexpr uint64_t kForever = UINT64_MAX;

  Parker() = default;
  Parker(const Parker&) = delete;
  Parker& operator=(const Parker&) = delete;

  /// Sleeps until unpark(), at most `timeout_ns`. False: not by then. Its own thread only.
  bool park(uint64_t timeout_ns = kForever);
  /// The same, after a moment of looking whether it comes at once.
  bool park(Spin& spin, uint64_t timeout_ns = kForever);
  /// [any] thread. May be the last that happens to it: the thread that wakes up may end it.
  void unpark();

 private:
  enum State : uint32_t { kAwake, kAsleep, kCalled };
  std::atomic<uint32_t> state_ = kAwake;
};

}  // namespace novacron::host
