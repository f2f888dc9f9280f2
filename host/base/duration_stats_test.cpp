#include "host/base/duration_stats.h"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

using namespace novacron::host;

TEST_CASE("A duration is counted in the first bucket that holds it, and the longest in the last") {
  DurationStats stats;
  stats.record(0);
  stats.record(1'000);
  stats.record(1'001);
  stats.record(60'000'000'000);
  const auto now = stats.snapshot();
  CHECK(now.buckets.front() == 2);
  CHECK(now.buckets[1] == 1);
  CHECK(now.buckets.back() == 1);
  CHECK(now.count() == 4);
  CHECK(now.sum_ns == 60'000'002'001);
}

TEST_CASE("Nothing is lost when several threads record at once") {
  DurationStats stats;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10'000; ++n) stats.record(5'000);
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(stats.snapshot().buckets[1] == 40'000);
  CHECK(stats.snapshot().sum_ns == 200'000'000);
}

TEST_CASE("A quantile lies between the bounds of the bucket that it falls into") {
  DurationStats stats;
  CHECK(stats.snapshot().quantile_ns(0.99) == 0);
  for (int i = 0; i < 99; ++i) stats.record(500'000);
  stats.record(100'000'000);
  CHECK(stats.snapshot().quantile_ns(0.5) > 100'000);
  CHECK(stats.snapshot().quantile_ns(0.99) <= 1'000'000);
  CHECK(stats.snapshot().quantile_ns(1) == 200'000'000);
  stats.record(60'000'000'000);
  CHECK(stats.snapshot().quantile_ns(1) == 30'000'000'000);
}
