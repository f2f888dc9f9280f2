// One run of a simulated cluster: everything that happens in it follows from its seed.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

namespace novacron::sim {

struct Outcome {
  std::string violation = {};  ///< empty: all that must hold did
  uint64_t events = 0;
  uint64_t virtual_us = 0;
  uint64_t committed = 0;  ///< entries
  uint64_t terms_led = 0;
  uint64_t undecided = 0;  ///< histories that were too hard to judge
};

/// Ten seconds with faults, then without any until all is well again. `trace`: what happens, a line each; may be null.
Outcome simulate(uint64_t seed, std::ostream* trace);

}  // namespace novacron::sim
