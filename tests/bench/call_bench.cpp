// What a call costs, against what it cannot be cheaper than, in the same run: a plugin's invoke() against a call by
// pointer, each with a copy of 100 bytes, and a queued call against a hand-off to another thread and back.
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "host/plugin/world_for_test.h"

namespace {

using novacron::host::plugin::testing::World;

// Medians of batches: one that was interrupted by another process does not count.
constexpr int kBatches = 301;
constexpr int kFastCalls = 500;  // of a batch
constexpr int kQueuedCalls = 20;
constexpr int kPointerCalls = 50'000;
constexpr size_t kCopiedBytes = 100;

double since_ns(std::chrono::steady_clock::time_point begun) {
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begun).count();
}

char sink[kCopiedBytes];
void copy_100_bytes(const char* from) {
  std::memcpy(sink, from, sizeof(sink));
}

template <class Batch>
double median_of_batches(Batch&& batch) {
  std::vector<double> took(kBatches);
  for (double& each : took) each = batch();
  std::nth_element(took.begin(), took.begin() + kBatches / 2, took.end());
  return took[kBatches / 2];
}

double pointer_call_ns() {
  void (*volatile function)(const char*) = copy_100_bytes;
  const char from[kCopiedBytes] = {};
  return median_of_batches([&] {
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < kPointerCalls; ++i) function(from);
    return since_ns(begun) / kPointerCalls;
  });
}

const nc_plugin* load_copier() {
  void* const library = ::dlopen(NOVACRON_FIXTURE_PLUGINS "/copier.so", RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library != nullptr);
  const auto entry =
      reinterpret_cast<decltype(&novacron_plugin_entry_v1)>(::dlsym(library, "novacron_plugin_entry_v1"));
  REQUIRE(entry != nullptr);
  return entry(NC_ABI_MINOR, sizeof(nc_host));
}

nc_code take_result(void* self, nc_call, const nc_result* result) {
  *static_cast<volatile nc_code*>(self) = result->code;
  return NC_OK;
}

/// Request and message made anew for each, as the host does: 0: invoke() alone, 1: it calls finish() as well.
double abi_call_ns(uint32_t method) {
  nc_code code = NC_INTERNAL;
  nc_host host{};
  host.size = sizeof(host);
  host.self = &code;
  host.finish = take_result;
  const nc_plugin* const plugin = load_copier();
  nc_instance* instance = nullptr;
  nc_error error{};
  const nc_buf no_config{};
  REQUIRE(plugin->create(&host, &no_config, &instance, &error) == NC_OK);
  const char from[kCopiedBytes] = {};
  const double took = median_of_batches([&] {
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < kPointerCalls; ++i) {
      nc_message message;  // of its places for descriptors none is used, so none is written
      message.size = sizeof(message);
      message.flags = NC_MESSAGE_LAST;
      message.body = {from, sizeof(from), nullptr, nullptr};
      message.fds.len = 0;
      const nc_request request = {sizeof(request), method, nc_call(i), 1, 1, &message, {"", 0}, {"", 0}};
      if (plugin->invoke(instance, 0, &request) != NC_OK) std::abort();
    }
    return since_ns(begun) / kPointerCalls;
  });
  plugin->destroy(instance);
  return took;
}

/// Two threads that wake each other by a condition variable, neither of them holding the lock that the other one wants.
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
      lock.unlock();
      changed.notify_all();
      lock.lock();
    }
  });
  const double took = median_of_batches([&] {
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < kQueuedCalls; ++i) {
      std::unique_lock lock(mutex);
      is_there = true;
      lock.unlock();
      changed.notify_all();
      lock.lock();
      changed.wait(lock, [&] { return !is_there; });
    }
    return since_ns(begun) / kQueuedCalls;
  });
  {
    std::lock_guard lock(mutex);
    stop = true;
    changed.notify_all();
  }
  other.join();
  return took;
}

double plugin_calls_ns(World& world, int method, int count) {
  const std::string script = "bench b " + std::to_string(method) + ' ' + std::to_string(count);
  return median_of_batches([&] { return std::stod(world.run("a", script)) / count; });
}

}  // namespace

TEST_CASE("what a call costs") {
  World world;
  world.enable_actor("a");
  world.enable_actor("b");
  const double pointer = pointer_call_ns();
  const double fast = plugin_calls_ns(world, 1, kFastCalls);
  const double hand_off = hand_off_ns();
  const double queued = plugin_calls_ns(world, 0, kQueuedCalls);
  const double invoke = abi_call_ns(0);
  const double invoke_and_finish = abi_call_ns(1);
  std::printf(
      "{\"pointer_ns\": %.2f, \"invoke_ns\": %.2f, \"invoke_finish_ns\": %.2f, \"fast_ns\": %.1f, \"hand_off_ns\": "
      "%.1f, \"queued_ns\": %.1f}\n",
      pointer, invoke, invoke_and_finish, fast, hand_off, queued);
  CHECK(fast > 0);
}
