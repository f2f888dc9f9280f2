#include "host/plugin/breaker.h"

#include <catch2/catch.hpp>

#include "host/plugin/lifecycle.h"

using namespace novacron::host;
using namespace novacron::host::plugin;
using Lesson = Breaker::Lesson;

namespace {

class ManualClock final : public Clock {
 public:
  uint64_t monotonic_ns() const override { return now_ns; }
  uint64_t real_ns() const override { return now_ns; }
  uint64_t now_ns = 1'000;
};

struct Bench {
  Bench() : breaker(clock, {"p", "p.v1.S", [this](Breaker::Change change) { changes.push_back(change); }, nullptr}) {}

  /// Whether a call is let through, and it ends so.
  bool call(Lesson lesson) {
    bool probe = false;
    if (!breaker.admit(probe).ok()) return false;
    breaker.learn(lesson, probe);
    return true;
  }
  void open() {
    for (uint32_t i = 0; i < kFailuresToOpen; ++i) REQUIRE(call(Lesson::kUnwell));
  }
  bool is_open() const {
    OpenBreaker found;
    return breaker.describe(found);
  }
  uint64_t retry_after_ns() {
    bool probe = false;
    const Status refused = breaker.admit(probe);
    REQUIRE(refused.code() == Code::kUnavailable);
    CHECK(refused.error().reason == "plugin.breaker-open");
    return refused.error().retry_after_ns;
  }

  ManualClock clock;
  std::vector<Breaker::Change> changes;
  Breaker breaker;
};

}  // namespace

TEST_CASE("a breaker opens after five failures in a row, and says when to come again") {
  Bench bench;
  for (uint32_t i = 1; i < kFailuresToOpen; ++i) REQUIRE(bench.call(Lesson::kUnwell));
  REQUIRE(bench.call(Lesson::kWell));
  CHECK_FALSE(bench.is_open());
  bench.open();
  CHECK(bench.changes == std::vector{Breaker::Change::kOpened});
  CHECK(bench.retry_after_ns() == kFirstOpenNs);
  bench.clock.now_ns += kFirstOpenNs / 4;
  CHECK(bench.retry_after_ns() == kFirstOpenNs / 4 * 3);
}

TEST_CASE("calls that teach nothing neither open a breaker nor make it forget") {
  Bench bench;
  for (uint32_t i = 1; i < kFailuresToOpen; ++i) REQUIRE(bench.call(Lesson::kNoAnswer));
  REQUIRE(bench.call(Lesson::kNothing));
  CHECK_FALSE(bench.is_open());
  REQUIRE(bench.call(Lesson::kNoAnswer));
  CHECK(bench.is_open());
}

TEST_CASE("half open, one call at a time is the probe, and its success closes the breaker") {
  Bench bench;
  bench.open();
  bench.clock.now_ns += kFirstOpenNs;
  bool probe = false;
  REQUIRE(bench.breaker.admit(probe).ok());
  CHECK(probe);
  CHECK(bench.retry_after_ns() > 0);
  bench.breaker.learn(Lesson::kWell, false);  // one from before
  CHECK(bench.is_open());
  bench.breaker.learn(Lesson::kWell, true);
  CHECK_FALSE(bench.is_open());
  CHECK(bench.changes.back() == Breaker::Change::kClosed);
  CHECK(bench.call(Lesson::kWell));
}

TEST_CASE("each probe that fails doubles the wait, up to a limit, and it is told once") {
  Bench bench;
  bench.open();
  for (uint64_t wait_ns = kFirstOpenNs; wait_ns < kLongestOpenNs; wait_ns *= 2) {
    CHECK(bench.retry_after_ns() == wait_ns);
    bench.clock.now_ns += wait_ns;
    REQUIRE(bench.call(Lesson::kUnwell));
  }
  CHECK(bench.retry_after_ns() == kLongestOpenNs);
  CHECK(bench.changes.size() == 1);
}

TEST_CASE("a probe that is cancelled, or never heard of again, gives way to another") {
  Bench bench;
  bench.open();
  bench.clock.now_ns += kFirstOpenNs;
  REQUIRE(bench.call(Lesson::kNothing));
  bool probe = false;
  REQUIRE(bench.breaker.admit(probe).ok());
  CHECK(probe);
  bench.clock.now_ns += kProbeNs;
  CHECK(bench.call(Lesson::kWell));
  CHECK_FALSE(bench.is_open());
}
