#include "host/base/parker.h"

#include <catch2/catch.hpp>
#include <thread>

using namespace novacron::host;

TEST_CASE("a wake-up before the sleep is kept, and several count as one") {
  Parker parker;
  parker.unpark();
  parker.unpark();
  CHECK(parker.park());
  CHECK_FALSE(parker.park(0));
}

TEST_CASE("a sleep that nobody ends is over at its time, and the next wake-up is not lost") {
  Parker parker;
  CHECK_FALSE(parker.park(1'000'000));
  CHECK_FALSE(parker.park(0));
  parker.unpark();
  CHECK(parker.park(0));
}

TEST_CASE("what was written before the wake-up is seen after it, however the two threads meet") {
  constexpr int kRounds = 20'000;
  Parker to;
  Parker back;
  int value = 0;  // no atomic: the parkers alone order it
  int wrong = 0;
  std::thread other([&] {
    for (int i = 0; i < kRounds; ++i) {
      to.park(i % 2 == 0 ? Parker::kForever : 60'000'000'000);
      ++value;
      back.unpark();
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    ++value;
    to.unpark();
    if (!back.park()) ++wrong;
    if (value != 2 * (i + 1)) ++wrong;
  }
  other.join();
  CHECK(wrong == 0);
}
