#include "host/base/parker.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace novacron::host {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kLongestNs = uint64_t{365} * 86'400 * kSecondNs;  ///< longer ones would overflow the kernel's time

timespec after(uint64_t timeout_ns) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const uint64_t ns = static_cast<uint64_t>(now.tv_nsec) + (timeout_ns < kLongestNs ? timeout_ns : kLongestNs);
  now.tv_sec += static_cast<time_t>(ns / kSecondNs);
  now.tv_nsec = static_cast<long>(ns % kSecondNs);
  return now;
}

/// Until the word is another, somebody wakes it, or for no reason at all: true; false: not by then.
bool futex_wait(std::atomic<uint32_t>& word, uint32_t while_it_is, const timespec* until) {
  static_assert(sizeof(word) == sizeof(uint32_t));
  return ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, while_it_is, until, nullptr, FUTEX_BITSET_MATCH_ANY) ==
             0 ||
         errno != ETIMEDOUT;
}

}  // namespace

bool Parker::park(uint64_t timeout_ns) {
  uint32_t expected = kAwake;
  if (!state_.compare_exchange_strong(expected, kAsleep, std::memory_order_acquire)) {
    state_.exchange(kAwake, std::memory_order_acquire);
    return true;
  }
  const timespec until = timeout_ns == kForever ? timespec{} : after(timeout_ns);
  const timespec* const limit = timeout_ns == kForever ? nullptr : &until;
  while (state_.load(std::memory_order_relaxed) == kAsleep && futex_wait(state_, kAsleep, limit)) {
  }
  return state_.exchange(kAwake, std::memory_order_acquire) == kCalled;
}

bool Parker::park(Spin& spin, uint64_t timeout_ns) {
  spin.until([this] { return state_.load(std::memory_order_relaxed) == kCalled; });
  return park(timeout_ns);
}

void Parker::unpark() {
  if (state_.exchange(kCalled, std::memory_order_release) != kAsleep) return;
  // Its thread may be gone already; then this wakes nobody, or somebody who looks again as for any wake-up.
  ::syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace novacron::host
