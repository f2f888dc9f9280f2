// Calls: each is finished once, whatever the caller does.
#include <chrono>
#include <thread>

#include "sdk/validate/child.h"
#include "sdk/validate/stage.h"
#include "sdk/validate/suites/core/core.h"

namespace novacron::validate::core {
namespace {

constexpr int kRounds = 3;
constexpr int kRaces = 40;
constexpr int kThreads = 4;
constexpr int kCallsAThread = 30;
constexpr uint64_t kMaxGiveUpUs = 3'000;
constexpr size_t kFuzzCallsAMethod = 300;
constexpr std::chrono::seconds kMaxFuzzTime{20};
constexpr uint64_t kShortTimeoutNs = 500'000'000;

struct Method {
  uint32_t service;
  uint32_t method;
};

std::vector<Method> methods_of(const nc_descriptor& descriptor) {
  std::vector<Method> methods;
  for (uint32_t s = 0; s < descriptor.services_len; ++s) {
    for (uint32_t m = 0; m < descriptor.services[s]->methods_len; ++m) methods.push_back({s, m});
  }
  return methods;
}

std::string request_for(Run& run, const Method& method, Random& random) {
  const nc_service& service = *run.plugin->descriptor->services[method.service];
  return run.package.random_request(text_of(service.name), text_of(service.methods[method.method]->name), random);
}

void finish_once(Run& run) {
  Stage stage(run);
  Random random(run.seed);
  const auto actor = stage.running_actor();
  if (!actor) return;
  for (int i = 0; i < kRounds; ++i) stage.call_all(random);
  for (const Method& method : methods_of(stage.descriptor())) (void)stage.call(method.service, method.method, "");
}

void cancel(Run& run) {
  Stage stage(run, {.cancel_us = kMaxGiveUpUs});
  Random random(run.seed);
  const auto actor = stage.running_actor();
  if (!actor) return;
  for (int i = 0; i < kRaces; ++i) {
    for (const Method& method : methods_of(stage.descriptor())) {
      CallSettings settings{.timeout_ns = kShortTimeoutNs};
      (void)stage.call(method.service, method.method, request_for(run, method, random), std::move(settings));
    }
  }
}

void deadline(Run& run) {
  Stage stage(run);
  Random random(run.seed);
  const auto actor = stage.running_actor();
  if (!actor) return;
  for (int i = 0; i < kRaces; ++i) {
    for (const Method& method : methods_of(stage.descriptor())) {
      // From one that is over when the call begins to one that is over while it runs.
      CallSettings settings{.timeout_ns = uint64_t{1} << (random() % 24)};
      (void)stage.call(method.service, method.method, request_for(run, method, random), std::move(settings));
    }
  }
}

void random_threads(Run& run) {
  Stage stage(run);
  const auto actor = stage.running_actor();
  if (!actor) return;
  const std::vector<Method> methods = methods_of(stage.descriptor());
  if (methods.empty()) return;
  std::vector<std::thread> callers;
  for (int t = 0; t < kThreads; ++t) {
    callers.emplace_back([&, t] {
      prepare_thread_for_crashes();
      Random random(run.seed + static_cast<uint64_t>(t));
      for (int i = 0; i < kCallsAThread; ++i) {
        const Method& method = methods[random() % methods.size()];
        CallSettings settings{.timeout_ns = kShortTimeoutNs};
        (void)stage.call(method.service, method.method, request_for(run, method, random), std::move(settings));
        if (random() % 8 == 0) (void)actor->health();
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
}

std::string mutated(std::string body, Random& random) {
  const size_t changes = 1 + random() % 4;
  for (size_t i = 0; i < changes; ++i) {
    const size_t at = body.empty() ? 0 : random() % body.size();
    switch (random() % 5) {
      case 0:
        if (!body.empty()) body[at] = static_cast<char>(random());
        break;
      case 1:
        body.resize(at);
        break;
      case 2:  // a length that is longer than everything
        body.insert(at, "\xff\xff\xff\xff\x0f");
        break;
      case 3:
        body.insert(at, body.substr(at / 2, 64));
        break;
      default:
        if (!body.empty()) body[at] = static_cast<char>(body[at] ^ (1 << (random() % 8)));
    }
  }
  return body;
}

void fuzz(Run& run) {
  Stage stage(run, {.guards = true});
  Random random(run.seed);
  const auto actor = stage.running_actor();
  if (!actor) return;
  const std::vector<Method> methods = methods_of(stage.descriptor());
  const auto end = std::chrono::steady_clock::now() + kMaxFuzzTime;
  for (size_t i = 0; i < methods.size() * kFuzzCallsAMethod && std::chrono::steady_clock::now() < end; ++i) {
    const Method& method = methods[i % methods.size()];
    CallSettings settings{.timeout_ns = kShortTimeoutNs};
    (void)stage.call(method.service, method.method, mutated(request_for(run, method, random), random),
                     std::move(settings));
  }
}

}  // namespace

void add_call_tests(std::vector<Test>& tests) {
  const auto add = [&tests](const char* name, const char* summary, std::vector<Subject> about, void (*run)(Run&)) {
    tests.push_back({name, summary, Test::Needs::kLibrary, std::move(about), run});
  };
  add("calls.finish-once", "Each call is finished, and once", {Subject::kFinish}, finish_once);
  add("calls.structs", "What it gives the host is well formed", {Subject::kStructs}, finish_once);
  add("calls.ids", "It uses only ids that it was given, and gives them back", {Subject::kIds}, finish_once);
  add("calls.waits", "It waits only where waiting is allowed", {Subject::kWaits}, finish_once);
  add("calls.cancel", "Callers give up at random moments", {Subject::kFinish}, cancel);
  add("calls.deadline", "Deadlines are over before, while and after a call runs", {Subject::kFinish}, deadline);
  add("calls.threads", "Calls come from several threads at random", {Subject::kFinish}, random_threads);
  add("calls.fuzz", "Malformed requests, each ending at a page that faults", {}, fuzz);
}

}  // namespace novacron::validate::core
