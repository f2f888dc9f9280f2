#include "tests/sim/raft/faults.h"

#include <iterator>

namespace novacron::sim {
namespace {

constexpr uint64_t kSecondUs = 1'000'000;

/// Off in half of the runs, else somewhere up to `most`.
double some_share(Random& random, double most) {
  return random.chance(0.5) ? 0 : most * static_cast<double>(random.between(1, 100)) / 100;
}
uint64_t some_interval(Random& random, double how_often) {
  return random.chance(how_often) ? random.between(kSecondUs / 5, 3 * kSecondUs) : 0;
}

}  // namespace

Faults draw_faults(Random& random) {
  constexpr uint64_t kSizes[] = {1, 2, 3, 3, 3, 3, 5, 5};
  Faults faults;
  faults.nodes = kSizes[random.below(std::size(kSizes))];
  faults.has_witness = faults.nodes > 1 && random.chance(0.2);
  faults.clients = random.between(1, 6);
  faults.keys = random.between(1, 4);
  faults.reads = static_cast<double>(random.between(2, 8)) / 10;
  if (random.chance(0.25)) faults.thinking_us = 3'000;
  if (random.chance(0.5)) faults.append_entries = random.between(1, 4);
  faults.drop = some_share(random, 0.3);
  faults.duplicate = some_share(random, 0.2);
  faults.delay_us = random.between(100, 20'000);
  faults.slow_message = some_share(random, 0.2);
  faults.cut_every_us = some_interval(random, 0.6);
  faults.cuts_one_way = random.chance(0.5);
  faults.disk_us = random.between(50, 10'000);
  faults.slow_disk = some_share(random, 0.2);
  faults.crash_every_us = some_interval(random, 0.6);
  faults.pause_every_us = some_interval(random, 0.3);
  faults.clock_drift = some_share(random, 0.3);
  faults.change_every_us = some_interval(random, 0.3);
  faults.spares = faults.change_every_us > 0 ? random.between(1, 3) : 0;
  faults.transfer_every_us = some_interval(random, 0.2);
  faults.snapshot_entries = random.chance(0.6) ? random.between(2, 60) : 0;
  faults.kept_entries = random.below(20);
  return faults;
}

}  // namespace novacron::sim
