#include "host/base/duration_stats.h"

#include <algorithm>
#include <numeric>

namespace novacron::host {

uint64_t DurationStats::Snapshot::count() const {
  return std::accumulate(buckets.begin(), buckets.end(), uint64_t{0});
}

uint64_t DurationStats::Snapshot::quantile_ns(double part) const {
  const double wanted = part * static_cast<double>(count());
  double below = 0;
  uint64_t from_ns = 0;
  for (size_t i = 0; i < kBoundsNs.size(); ++i) {
    const auto here = static_cast<double>(buckets[i]);
    if (here > 0 && below + here >= wanted) {
      const double share = (wanted - below) / here;
      return from_ns + static_cast<uint64_t>(share * static_cast<double>(kBoundsNs[i] - from_ns));
    }
    below += here;
    from_ns = kBoundsNs[i];
  }
  return count() == 0 ? 0 : from_ns;
}

void DurationStats::record(uint64_t duration_ns) {
  const auto bucket = std::lower_bound(kBoundsNs.begin(), kBoundsNs.end(), duration_ns) - kBoundsNs.begin();
  buckets_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_ns_.fetch_add(duration_ns, std::memory_order_relaxed);
}

DurationStats::Snapshot DurationStats::snapshot() const {
  Snapshot now;
  for (size_t i = 0; i < buckets_.size(); ++i) now.buckets[i] = buckets_[i].load(std::memory_order_relaxed);
  now.sum_ns = sum_ns_.load(std::memory_order_relaxed);
  return now;
}

}  // namespace novacron::host
