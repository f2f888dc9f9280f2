// What is lent stays the host's, what is given is the plugin's, and nothing grows.
#include <malloc.h>
#include <sys/socket.h>

#include "sdk/validate/stage.h"
#include "sdk/validate/suites/core/core.h"

namespace novacron::validate::core {
namespace {

constexpr int kRounds = 5;
constexpr int kDescriptorRounds = 10;
constexpr int kWarmUpCalls = 300;  // as many as the boundary remembers
constexpr int kCallsAWindow = 200;
constexpr int kWindows = 3;
constexpr int64_t kToleratedBytesACall = 24;
constexpr int64_t kToleratedBytesACallMade =
    160;  // what the host of the tests keeps of each call that the plugin makes
constexpr uint64_t kTimeoutNs = 300'000'000;

void borrowed(Run& run) {
  Stage stage(run, {.guards = true});
  Random random(run.seed);
  const auto actor = stage.running_actor();
  if (!actor) return;
  // What was kept of one call is read in the next.
  for (int i = 0; i < kRounds; ++i) {
    stage.call_all(random);
    (void)actor->health();
  }
  (void)actor->configure(run.config);
  stage.call_all(random);
}

void released(Run& run) {
  Stage stage(run, {.owned_bodies = true});
  Random random(run.seed);
  const auto actor = stage.running_actor();
  if (!actor) return;
  for (int i = 0; i < kRounds; ++i) stage.call_all(random);
}

/// One end of a stream; the other is closed.
Fd stream_end() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return Fd();
  ::close(ends[1]);
  return Fd(ends[0]);
}

void descriptors(Run& run) {
  Stage stage(run);
  Random random(run.seed);
  const auto actor = stage.running_actor();
  if (!actor) return;
  stage.call_all(random);
  const size_t before = open_descriptors();
  const nc_descriptor& about = stage.descriptor();
  for (int i = 0; i < kDescriptorRounds; ++i) {
    for (uint32_t s = 0; s < about.services_len; ++s) {
      for (uint32_t m = 0; m < about.services[s]->methods_len; ++m) {
        CallSettings settings{.timeout_ns = kTimeoutNs};
        settings.fds.push_back(stream_end());
        (void)stage.call(s, m, "", std::move(settings));
      }
    }
  }
  actor->end();
  const size_t after = open_descriptors();
  if (after < before + kDescriptorRounds) return;
  run.find(Subject::kDescriptors,
           std::to_string(after - before) + " descriptors that came with requests are still open",
           "RULE 6: descriptors passed to a function are consumed by it, WHATEVER it returns",
           "close the descriptors of a request that the method does not use");
}

// A plugin that finishes each call at once: what the host of the tests itself keeps of calls.

nc_code null_create(const nc_host* host, const nc_buf*, nc_instance** out, nc_error*) {
  // A plugin without state: its instance is the host that it answers to.
  *out = reinterpret_cast<nc_instance*>(const_cast<nc_host*>(host));
  return NC_OK;
}
nc_code null_invoke(nc_instance* instance, uint32_t, const nc_request* request) {
  const auto* const host = reinterpret_cast<const nc_host*>(instance);
  nc_result result{};
  result.size = sizeof(result);
  return host->finish(host->self, request->call, &result), NC_OK;
}
void null_destroy(nc_instance*) {}

/// The least growth of several windows, by call: what is kept of every call, not caches that fill.
int64_t growth(Run& run, const nc_plugin* plugin, uint32_t service, uint32_t method) {
  Stage stage(run, {.plugin = plugin});
  const auto actor = stage.running_actor();
  if (!actor) return 0;
  const nc_service& offered = *stage.descriptor().services[service];
  Random random(run.seed);
  const std::string body =
      run.package.random_request(text_of(offered.name), text_of(offered.methods[method]->name), random);
  const auto call = [&](int times) {
    for (int i = 0; i < times; ++i) (void)stage.call(service, method, body, {.timeout_ns = kTimeoutNs});
  };
  call(kWarmUpCalls);
  const uint64_t made_before = actor->boundary().calls_made();
  int64_t least = INT64_MAX;
  for (int i = 0; i < kWindows; ++i) {
    const auto before = static_cast<int64_t>(::mallinfo2().uordblks);
    call(kCallsAWindow);
    least = std::min(least, static_cast<int64_t>(::mallinfo2().uordblks) - before);
  }
  const auto made = static_cast<int64_t>(actor->boundary().calls_made() - made_before) / kWindows;
  return (least - made * kToleratedBytesACallMade) / kCallsAWindow;
}

void grows(Run& run) {
  nc_plugin null{};
  null.size = sizeof(null);
  null.descriptor = run.plugin->descriptor;
  null.create = null_create;
  null.invoke = null_invoke;
  null.destroy = null_destroy;
  const nc_descriptor& about = *run.plugin->descriptor;
  for (uint32_t s = 0; s < about.services_len && run.skipped.empty(); ++s) {
    for (uint32_t m = 0; m < about.services[s]->methods_len; ++m) {
      const nc_method& method = *about.services[s]->methods[m];
      // A stream's thread costs the host more than a plugin keeps.
      if ((method.flags & (NC_METHOD_CLIENT_STREAM | NC_METHOD_SERVER_STREAM)) != 0) continue;
      const int64_t a_call = growth(run, run.plugin, s, m) - growth(run, &null, s, m);
      if (a_call <= kToleratedBytesACall) continue;
      run.find(Subject::kBuffers, text_of(method.name) + " keeps " + std::to_string(a_call) + " bytes of every call",
               "bound everything: what a call needs ends with it",
               "free what the method allocates, or bound what it keeps");
    }
  }
}

}  // namespace

void add_memory_tests(std::vector<Test>& tests) {
  const auto add = [&tests](const char* name, const char* summary, std::vector<Subject> about, void (*run)(Run&)) {
    tests.push_back({name, summary, Test::Needs::kLibrary, std::move(about), run});
  };
  add("memory.borrowed", "What is lent is not written to, not read beyond its end, and not kept", {}, borrowed);
  add("memory.released", "What is given with a release is released once", {Subject::kBuffers}, released);
  add("memory.descriptors", "Descriptors that come with requests are closed", {Subject::kDescriptors}, descriptors);
  add("memory.growth", "Calls leave no memory behind", {Subject::kBuffers}, grows);
}

}  // namespace novacron::validate::core
