// A moment of looking again before a thread goes to sleep: to be woken costs more than most answers take.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>

namespace novacron::host {

/// Learns whether it pays: a place where it did not is tried rarely, so a machine that is busy with other work loses
/// next to nothing to it. [any] thread; one for each thing that is waited for.
class Spin final {
 public:
  static constexpr int kTurns = 1'024;          ///< 10 to 50 us: what it takes to wake a processor that sleeps
  static constexpr uint32_t kRetryEvery = 256;  ///< waits, where it does not pay
  static constexpr int32_t kTrust = 16;         ///< that a row of good ones earns

  /// True: `done` held within a moment. `done` is asked often and must be cheap.
  template <class Done>
  bool until(Done&& done) {
    if (!pays()) return done();
    for (int turn = 0; turn < kTurns; ++turn) {
      if (done()) return learn(1), true;
      pause();
    }
    learn(-1);
    return done();
  }

 private:
  bool pays() {
    static const bool alone = std::thread::hardware_concurrency() < 2;  // then whoever is waited for cannot run
    if (alone) return false;
    if (trust_.load(std::memory_order_relaxed) > 0) return true;
    return waits_.fetch_add(1, std::memory_order_relaxed) % kRetryEvery == 0;
  }
  /// Two threads that learn at once lose one lesson, which is no matter.
  void learn(int32_t lesson) {
    trust_.store(std::clamp(trust_.load(std::memory_order_relaxed) + lesson, 0, kTrust), std::memory_order_relaxed);
  }
  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  std::atomic<int32_t> trust_ = 0;
  std::atomic<uint32_t> waits_ = 0;
};

}  // namespace novacron::host
