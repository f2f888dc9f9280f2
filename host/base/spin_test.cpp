#include "host/base/spin.h"

#include <catch2/catch.hpp>

using namespace novacron::host;

namespace {

/// How often it looked before it gave up or was content.
int looks(Spin& spin, bool answer_at_once) {
  int looked = 0;
  (void)spin.until([&] {
    ++looked;
    return answer_at_once && looked > 2;
  });
  return looked;
}

}  // namespace

TEST_CASE("a spin gives up in the end and says what holds then") {
  Spin spin;
  CHECK_FALSE(spin.until([] { return false; }));
  CHECK(spin.until([] { return true; }));
}

TEST_CASE("where it does not pay a spin looks once, but for a rare trial") {
  if (std::thread::hardware_concurrency() < 2) return;  // never pays there
  Spin spin;
  int trials = 0;
  for (uint32_t i = 0; i < 4 * Spin::kRetryEvery; ++i) trials += looks(spin, false) > 1 ? 1 : 0;
  CHECK(trials == 4);
}

TEST_CASE("where answers come at once a spin goes on until some have not") {
  if (std::thread::hardware_concurrency() < 2) return;
  Spin spin;
  for (int i = 0; i < 100; ++i) CHECK(looks(spin, true) == 3);  // the first wait is a trial
  int long_looks = 0;
  while (looks(spin, false) > 1) ++long_looks;
  CHECK(long_looks == Spin::kTrust);
}
