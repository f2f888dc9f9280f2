// The only source of chance in a simulation: same seed, same run, on every machine.
#pragma once

#include <cstddef>
#include <cstdint>

namespace novacron::sim {

/// SplitMix64 (Steele, Lea, Flood 2014).
class Random final {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    state_ += 0x9E3779B97F4A7C15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  /// Below `limit`, which is not 0.
  uint64_t below(uint64_t limit) { return next() % limit; }
  /// From `low` up to and with `high`.
  uint64_t between(uint64_t low, uint64_t high) { return low + below(high - low + 1); }
  bool chance(double probability) { return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability; }

 private:
  uint64_t state_;
};

}  // namespace novacron::sim
