// A host that is slow, and one that goes away.
#include <atomic>
#include <chrono>
#include <thread>

#include "sdk/validate/child.h"
#include "sdk/validate/stage.h"
#include "sdk/validate/suites/core/core.h"

namespace novacron::validate::core {
namespace {

constexpr uint64_t kSlowUs = 3'000;
constexpr int kClosings = 10;
constexpr int kCallers = 3;
constexpr uint64_t kMaxDelayUs = 4'000;
constexpr uint64_t kTimeoutNs = 1'000'000'000;

void slow(Run& run) {
  Stage stage(run, {.slow_us = kSlowUs});
  Random random(run.seed);
  const auto actor = stage.running_actor();
  if (!actor) return;
  stage.call_all(random);
  stage.call_all(random);
}

/// Calls without an end, until it is told.
void keep_calling(Run& run, Stage& stage, uint64_t seed, const std::atomic<bool>& is_over) {
  prepare_thread_for_crashes();
  Random random(seed);
  const nc_descriptor& about = stage.descriptor();
  while (!is_over && about.services_len > 0) {
    const auto service = static_cast<uint32_t>(random() % about.services_len);
    const nc_service& offered = *about.services[service];
    if (offered.methods_len == 0) return;
    const auto method = static_cast<uint32_t>(random() % offered.methods_len);
    const std::string body =
        run.package.random_request(text_of(offered.name), text_of(offered.methods[method]->name), random);
    const Outcome outcome = stage.call(service, method, body, {.timeout_ns = kTimeoutNs});
    if (outcome.code == Code::kUnavailable) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

/// Ends instances while calls run, again and again.
void closing(Run& run) {
  Stage stage(run);
  Random random(run.seed);
  if (!stage.running_actor()) return;
  std::atomic<bool> is_over{false};
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&, seed = run.seed + static_cast<uint64_t>(i)] { keep_calling(run, stage, seed, is_over); });
  }
  for (int i = 0; i < kClosings; ++i) {
    const auto actor = stage.running_actor();
    if (!actor) break;
    std::this_thread::sleep_for(std::chrono::microseconds(random() % kMaxDelayUs));
    actor->end();
  }
  is_over = true;
  for (std::thread& caller : callers) caller.join();
}

}  // namespace

void add_host_tests(std::vector<Test>& tests) {
  const auto add = [&tests](const char* name, const char* summary, void (*run)(Run&)) {
    tests.push_back({name, summary, Test::Needs::kLibrary, {Subject::kFinish}, run});
  };
  add("host.slow", "Every function of the host takes its time", slow);
  add("host.closing", "The host ends the instance while calls run", closing);
}

}  // namespace novacron::validate::core
