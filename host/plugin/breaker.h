// Keeps callers from a service that does not answer: after several failures in a row its calls are refused at once, and
// one after another is let through to see whether it is well again.
//
//   closed → (kFailuresToOpen in a row) → open → (after a while) → half open: one call is the probe
//     ↑                                     ↑                         │
//     └──────────── it succeeded ───────────┼─────────────────────────┤
//                                           └──── it failed: longer ──┘
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "host/base/clock.h"
#include "host/base/result.h"

namespace novacron::host::plugin {

struct OpenBreaker;

constexpr uint32_t kFailuresToOpen = 5;
constexpr uint64_t kFirstOpenNs = 1'000'000'000;  ///< doubled each time that a probe fails
constexpr uint64_t kLongestOpenNs = 30'000'000'000;
constexpr uint64_t kProbeNs = 60'000'000'000;     ///< a probe that is not heard of for so long is given up
constexpr uint64_t kMinPatienceNs = 500'000'000;  ///< a caller who waited shorter has learned nothing

/// One a service of an instance, shared by all routes to it. [any] thread.
class Breaker final {
 public:
  enum class Change { kOpened, kClosed };
  struct Options {
    std::string plugin;
    std::string service;
    // Without a lock; must not block.
    std::function<void(Change)> on_change;
    std::function<void()> on_no_answer;
  };
  /// What a call taught about its callee.
  enum class Lesson { kWell, kUnwell, kNoAnswer, kNothing };

  Breaker(const Clock& clock, Options options);

  /// UNAVAILABLE "plugin.breaker-open" with the time after which to try again. `probe` says whether the call is one;
  /// its lesson must say so too.
  Status admit(bool& probe);
  void learn(Lesson lesson, bool probe);

  /// Whether it is not closed, and then why.
  bool describe(OpenBreaker& out) const;

 private:
  enum class Where : uint8_t { kClosed, kOpen, kHalfOpen };
  void open(uint64_t for_ns);

  const Clock& clock_;
  const Options options_;
  std::atomic<bool> quiet_ = true;  ///< closed, and the last lesson was a good one: nothing to look at
  mutable std::mutex mutex_;
  Where where_ = Where::kClosed;
  uint32_t failures_ = 0;  ///< in a row
  uint64_t open_ns_ = 0;   ///< how long it is open this time
  uint64_t until_ns_ = 0;  ///< open until then; half open: the probe is waited for until then
};

}  // namespace novacron::host::plugin
