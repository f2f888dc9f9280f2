// How often something happened and how long it took, counted without a lock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace novacron::host {

/// [any] thread. record() is three relaxed additions, so it may stand on the hottest path.
class DurationStats {
 public:
  /// Upper bounds of the buckets; the last bucket, one more, has none.
  static constexpr std::array<uint64_t, 10> kBoundsNs = {1'000,         10'000,        100'000,     1'000'000,
                                                         10'000'000,    50'000'000,    200'000'000, 1'000'000'000,
                                                         5'000'000'000, 30'000'000'000};
  struct Snapshot {
    std::array<uint64_t, kBoundsNs.size() + 1> buckets{};  ///< each by itself, not cumulated
    uint64_t sum_ns = 0;
    uint64_t count() const;
    /// The time within which this part of them ended, 0 to 1; between the bounds of a bucket in proportion. 0: none.
    uint64_t quantile_ns(double part) const;
  };

  void record(uint64_t duration_ns);
  /// Of about now: additions under way may be in one part and not yet in another.
  Snapshot snapshot() const;

 private:
  std::array<std::atomic<uint64_t>, kBoundsNs.size() + 1> buckets_{};
  std::atomic<uint64_t> sum_ns_{0};
};

}  // namespace novacron::host
