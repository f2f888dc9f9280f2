// What a call costs, against what it cannot be cheaper than, in the same run: a FAST call against a call by pointer
// with a copy of 100 bytes, a queued call against a hand-off to another thread and back.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <thread>

#include "host/plugin/world_for_test.h"

namespace {

using novacron::host::plugin::testing::World;

constexpr int kFastCalls = 200'000;
constexpr int kQueuedCalls = 5'000;
constexpr int kPointerCalls = 10'000'000;

double since_ns(std::chrono::steady_clock::time_point begun) {
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begun).count();
}

char sink[100];
void copy_100_bytes(const char* from) {
  std::memcpy(sink, from, sizeof(sink));
}

double pointer_call_ns() {
  void (*volatile function)(const char*) = copy_100_bytes;
  const char from[100] = {};
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < kPointerCalls; ++i) function(from);
  return since_ns(begun) / kPointerCalls;
}

/// Two threads that wake each other by a condition variable.
double hand_off_ns() {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_there = false;
  bool stop = false;
  std::thread other([&] {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return is_there || stop; });
      if (stop) return;
      is_there = false;
      changed.notify_all();
    }
  });
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < kQueuedCalls; ++i) {
    std::unique_lock lock(mutex);
    is_there = true;
    changed.notify_all();
    changed.wait(lock, [&] { return !is_there; });
  }
  const double took = since_ns(begun) / kQueuedCalls;
  {
    std::lock_guard lock(mutex);
    stop = true;
    changed.notify_all();
  }
  other.join();
  return took;
}

double plugin_calls_ns(World& world, int method, int count) {
  return std::stod(world.run("a", "bench b " + std::to_string(method) + ' ' + std::to_string(count))) / count;
}

}  // namespace

TEST_CASE("what a call costs") {
  World world;
  world.enable_actor("a");
  world.enable_actor("b");
  plugin_calls_ns(world, 1, 1'000);
  const double pointer = pointer_call_ns();
  const double fast = plugin_calls_ns(world, 1, kFastCalls);
  const double hand_off = hand_off_ns();
  const double queued = plugin_calls_ns(world, 0, kQueuedCalls);
  std::printf("{\"pointer_ns\": %.2f, \"fast_ns\": %.1f, \"hand_off_ns\": %.1f, \"queued_ns\": %.1f}\n", pointer, fast,
              hand_off, queued);
  CHECK(fast > 0);
}
