#include "host/base/clock.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "host/base/random.h"

namespace novacron::host {
namespace {

// Made before main(), so destroyed after whatever main() made. A thread that a plugin kept may come back as late as
// this.
struct LastUse {
  ~LastUse() {
    unsigned char byte = 0;
    system_random().fill(&byte, 1);
    if (system_clock().monotonic_ns() == 0) std::abort();
  }
} last_use;

TEST_CASE("the machine's clock and randomness serve until the process is gone; a sanitizer would tell") {
  CHECK(system_clock().real_ns() > 0);
}

}  // namespace
}  // namespace novacron::host
