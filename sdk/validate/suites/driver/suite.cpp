// Whoever offers novacron.compute.v1.Driver: what it declares works, what it does not declare is said to be so, and
// every call is idempotent by uid. It starts a guest of 32 MiB with no disk.
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "novacron/compute/v1/compute.nc.h"
#include "sdk/validate/stage.h"

namespace novacron::validate {
namespace {

namespace api = compute::v1;
using State = api::GuestStatus::State;

constexpr const char* kRule = "novacron.compute.v1.Driver";
constexpr const char* kNobody = "00000000-0000-4000-8000-00000000dead";
constexpr const char* kNode = "validate";  // a driver may stand for several nodes, so that a call names one
constexpr uint64_t kFence = 7;
constexpr uint64_t kGuestBytes = uint64_t{32} << 20U;
constexpr int kReadyAttempts = 100;  // of 100 ms each: an engine may take a moment to be connected

/// A plugin under test that runs, and its client; `client` is empty if it does not run, or has no engine.
struct World {
  explicit World(Run& owner) : run(owner), stage(owner), actor(stage.running_actor()) {
    if (!actor) return;
    client.emplace(stage.host().client(), Target{.node = kNode});
    for (int i = 0; i < kReadyAttempts; ++i) {
      const auto found = client->describe({});
      const auto listed = client->list({});
      if (found.ok() && listed.ok()) capabilities = found->capabilities.value_or(api::DriverCapabilities());
      if (found.ok() && listed.ok()) return;
      why = found.ok() ? listed.error().message : found.error().message;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    client.reset();
    run.skipped = "its engine is not there: " + why;
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  /// No guest is left.
  ~World() {
    if (client) (void)client->delete_(about());
  }

  api::GuestRequest about(uint64_t fence = kFence) const { return {.uid = uid, .claim_fence = fence}; }
  api::StopRequest stop() const { return {.uid = uid, .claim_fence = kFence, .grace_ns = 0}; }
  api::StartRequest start(uint64_t fence = kFence) const {
    api::VirtualMachineSpec spec;
    spec.cpus = 1;
    spec.memory_bytes = kGuestBytes;
    return {.guest = api::Guest{.uid = uid, .tenant = "validate", .name = "validated", .spec = spec},
            .claim_fence = fence};
  }

  /// Whether a call came to this state; a finding if not.
  bool is(const char* call, const Result<api::GuestStatus>& status, State state) {
    if (status.ok() && status->state == state && status->uid == uid) return true;
    const std::string got =
        status.ok() ? "state " + std::to_string(static_cast<int>(status->state)) + " of \"" + status->uid + "\""
                    : status.error().message;
    wrong(std::string(call) + " came to " + got + ", not to state " + std::to_string(static_cast<int>(state)),
          "come to the state that the call is for, also when it is there already");
    return false;
  }
  void wrong(std::string what, const char* instead) { run.find(Subject::kResult, std::move(what), kRule, instead); }
  bool is_listed() {
    const auto listed = client->list({});
    return listed.ok() && std::any_of(listed->guests.begin(), listed->guests.end(),
                                      [&](const api::GuestStatus& guest) { return guest.uid == uid; });
  }

  Run& run;
  Stage stage;
  std::unique_ptr<Actor> actor;
  std::optional<api::DriverClient> client;
  api::DriverCapabilities capabilities;
  std::string why;
  // One of its own for each seed, so that a guest of an earlier run is not in the way.
  const std::string uid = [](uint64_t seed) {
    char text[37];
    std::snprintf(text, sizeof text, "00000000-0000-4000-8000-%012llx",
                  static_cast<unsigned long long>(seed & 0xffffffffffff));
    return std::string(text);
  }(run.seed);
};

void describe(Run& run) {
  World world(run);
  if (!world.client) return;
  if (world.capabilities.engine.empty()) world.wrong("its description names no engine", "set capabilities.engine");
  if (world.capabilities.accelerators.empty()) {
    world.wrong("its description names no accelerator", "set capabilities.accelerators");
  }
  const auto again = world.client->describe({});
  if (!again.ok() || again->capabilities.value_or(api::DriverCapabilities()) != world.capabilities) {
    world.wrong("it describes itself in another way the second time", "describe what does not change by itself");
  }
}

void absent(Run& run) {
  World world(run);
  if (!world.client) return;
  const api::GuestRequest nobody{.uid = kNobody, .claim_fence = kFence};
  const auto found = world.client->get(nobody);
  if (!found.ok() || found->state != State::kAbsent) {
    world.wrong("Get of a guest that is not there does not say that it is absent", "answer with STATE_ABSENT");
  }
  world.is("Delete of a guest that is not there", world.client->delete_(world.about()), State::kAbsent);
  if (world.client->stats(nobody).ok())
    world.wrong("a guest that is not there has statistics", "answer with NOT_FOUND");
}

void lifecycle(Run& run) {
  World world(run);
  if (!world.client) return;
  api::DriverClient& driver = *world.client;
  if (!world.is("Start", driver.start(world.start()), State::kRunning)) return;
  world.is("a second Start", driver.start(world.start()), State::kRunning);
  world.is("Get of one that runs", driver.get(world.about()), State::kRunning);
  if (!world.is_listed()) world.wrong("a guest that runs is not listed", "list every guest that is not absent");
  world.is("Stop", driver.stop(world.stop()), State::kStopped);
  world.is("a second Stop", driver.stop(world.stop()), State::kStopped);
  if (!world.is_listed()) world.wrong("a guest that is stopped is not listed", "list every guest that is not absent");
  world.is("Start after Stop", driver.start(world.start()), State::kRunning);
  world.is("Delete of one that runs", driver.delete_(world.about()), State::kAbsent);
  world.is("a second Delete", driver.delete_(world.about()), State::kAbsent);
  world.is("Get of one that was deleted", driver.get(world.about()), State::kAbsent);
  if (world.is_listed()) world.wrong("a guest that was deleted is listed", "list only what is there");
}

void pause(Run& run) {
  World world(run);
  if (!world.client) return;
  if (!world.is("Start", world.client->start(world.start()), State::kRunning)) return;
  if (!world.capabilities.pause) {
    if (world.client->pause(world.about()).ok())
      world.wrong("Pause works and is not declared", "declare capabilities.pause");
    return;
  }
  world.is("Pause", world.client->pause(world.about()), State::kPaused);
  world.is("a second Pause", world.client->pause(world.about()), State::kPaused);
  world.is("Get of one that is paused", world.client->get(world.about()), State::kPaused);
  world.is("Resume", world.client->resume(world.about()), State::kRunning);
  world.is("a second Resume", world.client->resume(world.about()), State::kRunning);
}

void fences(Run& run) {
  World world(run);
  if (!world.client) return;
  if (!world.is("Start", world.client->start(world.start()), State::kRunning)) return;
  const auto expect_stale = [&world](const char* call, const Result<api::GuestStatus>& status) {
    if (!status.ok() && status.code() == Code::kAborted && status.error().reason == "compute.stale-claim") return;
    world.wrong(std::string(call) + " by an older claim is not refused", "answer ABORTED \"compute.stale-claim\"");
  };
  expect_stale("Start", world.client->start(world.start(kFence - 1)));
  expect_stale("Delete", world.client->delete_(world.about(kFence - 1)));
  expect_stale("Stop", world.client->stop({.uid = world.uid, .claim_fence = kFence - 1, .grace_ns = 0}));
  world.is("Get after an older claim", world.client->get(world.about()), State::kRunning);
}

void stats(Run& run) {
  World world(run);
  if (!world.client) return;
  if (!world.is("Start", world.client->start(world.start()), State::kRunning)) return;
  const auto found = world.client->stats(world.about());
  if (found.ok() == world.capabilities.stats) return;
  world.wrong(found.ok() ? "Stats works and is not declared" : "Stats is declared and fails: " + found.error().message,
              "declare capabilities.stats as it is");
}

void console(Run& run) {
  World world(run);
  if (!world.client) return;
  if (!world.is("Start", world.client->start(world.start()), State::kRunning)) return;
  Fds received;
  CallOptions options;
  options.received = &received;
  const auto opened = world.client->console(world.about(), std::move(options));
  if (!world.capabilities.console) {
    if (opened.ok()) world.wrong("Console works and is not declared", "declare capabilities.console");
    return;
  }
  if (!opened.ok())
    return world.wrong("Console is declared and fails: " + opened.error().message, "declare it as it is");
  struct stat about {};
  const bool is_socket = received.size() == 1 && ::fstat(received[0].get(), &about) == 0 && S_ISSOCK(about.st_mode);
  if (!is_socket) world.wrong("Console does not give one stream socket", "send one end of a socketpair with the reply");
}

}  // namespace

Suite driver_suite() {
  Suite suite{.name = "driver", .service = "novacron.compute.v1.Driver", .tests = {}};
  const auto add = [&suite](const char* name, const char* summary, void (*run)(Run&)) {
    suite.tests.push_back({name, summary, Test::Needs::kLibrary, {}, run});
  };
  add("driver.describe", "It says what it can do, the same each time", describe);
  add("driver.absent", "A guest that is not there is absent, and is no error", absent);
  add("driver.lifecycle", "Start, Stop and Delete come to their states, once and again", lifecycle);
  add("driver.pause", "Pause and Resume, if they are declared", pause);
  add("driver.fences", "A call by an older claim is refused", fences);
  add("driver.stats", "Statistics, if they are declared", stats);
  add("driver.console", "A console is a stream socket, if it is declared", console);
  return suite;
}

}  // namespace novacron::validate
