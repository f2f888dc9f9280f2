// create, start, quiesce, resume, restore, destroy.
#include <chrono>

#include "sdk/validate/stage.h"
#include "sdk/validate/suites/core/core.h"

namespace novacron::validate::core {
namespace {

constexpr int kRounds = 3;

/// A finding with the plugin's own words, unless it went well.
bool expect_ok(Run& run, const char* what, const Status& status, const char* rule) {
  if (status.ok()) return true;
  run.find(Subject::kResult, std::string(what) + " failed: " + status.error().message, rule,
           "make it succeed here; what it needs may come by --config");
  return false;
}

/// What a plugin must not leave, and what create must not make.
struct Counts {
  size_t descriptors = open_descriptors();
  size_t thread_count = threads();
};

void expect_equal(Run& run, const Counts& before, const char* after) {
  // A thread that was joined may take a moment to leave /proc.
  for (int i = 0; i < 200 && threads() > before.thread_count; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  const Counts now;
  if (now.thread_count > before.thread_count) {
    run.find(Subject::kThreads, std::to_string(now.thread_count - before.thread_count) + " threads more after " + after,
             "create starts no threads; destroy: its own threads are joined when it returns",
             "start them in start(), join them in destroy()");
  }
  if (now.descriptors > before.descriptors) {
    run.find(Subject::kDescriptors,
             std::to_string(now.descriptors - before.descriptors) + " descriptors more after " + after,
             "create does no I/O; what a plugin has opened ends with it",
             "open them in start(), close them in destroy()");
  }
}

void start(Run& run) {
  Stage stage(run);
  const auto actor = stage.actor();
  if (!expect_ok(run, "create", actor->create(), "create makes an instance")) return;
  if (!expect_ok(run, "start", actor->start(), "start starts an instance")) return;
  (void)actor->health();  // what its engine needs may not be there
}

void create_only(Run& run) {
  Stage stage(run);
  const Counts before;
  const auto actor = stage.actor();
  if (!actor->create().ok()) return void(run.skipped = "it does not create here: see lifecycle.start");
  expect_equal(run, before, "create");
  actor->end();
  expect_equal(run, before, "destroy without start");
}

void leaves_nothing(Run& run) {
  Stage stage(run);
  Random random(run.seed);
  (void)stage.running_actor();  // what a library does once a process
  if (!run.skipped.empty()) return;
  const Counts before;
  for (int i = 0; i < kRounds; ++i) {
    const auto actor = stage.running_actor();
    if (!actor) return;
    stage.call_all(random);
    actor->end();
  }
  expect_equal(run, before, "destroy");
}

void double_create(Run& run) {
  Stage stage(run);
  const auto first = stage.actor(), second = stage.actor();
  if (!first->create().ok()) return void(run.skipped = "it does not create here: see lifecycle.start");
  if (!expect_ok(run, "a second create beside the first", second->create(),
                 "create makes an instance: a host may have several"))
    return;
  if (first->boundary().instance() == second->boundary().instance()) {
    run.find(Subject::kResult, "two creates gave the same instance",
             "create makes an instance: a host may have several",
             "keep everything in the instance, nothing in variables of the library");
    return;
  }
  // One ends, and the other goes on.
  first->end();
  if (!second->start().ok()) return void(run.skipped = "it does not start here: see lifecycle.start");
  Random random(run.seed);
  stage.call_all(random);
}

void bad_config(Run& run) {
  Stage stage(run);
  Random random(run.seed);
  const Counts before;
  const std::vector<std::string> configs{std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11),
                                         std::string("\x0a\x7f", 2), std::string(1024, '\0'),
                                         std::string(65'536, '\x0a')};
  for (const std::string& config : configs) {
    const auto actor = stage.actor();
    (void)actor->create(config);  // either way, as long as it ends well
    actor->end();
  }
  expect_equal(run, before, "a configuration that is malformed");
}

void resume(Run& run) {
  Stage stage(run);
  Random random(run.seed);
  const auto actor = stage.running_actor();
  if (!actor) return;
  if (!NC_CAN(run.plugin, quiesce) || !NC_CAN(run.plugin, resume)) return;
  for (int i = 0; i < kRounds; ++i) {
    stage.call_all(random);
    const auto state = actor->quiesce();
    if (!expect_ok(run, "quiesce", state.ok() ? Status() : Status(state.error()), "quiesce: stop starting")) return;
    if (!expect_ok(run, "resume", actor->resume(), "resume: go on: the successor failed")) return;
  }
  (void)actor->health();
  stage.call_all(random);
}

void restore(Run& run) {
  if (!NC_CAN(run.plugin, restore)) return;
  Stage stage(run);
  Random random(run.seed);
  const auto old = stage.running_actor();
  if (!old) return;
  stage.call_all(random);
  auto state = old->quiesce();
  if (!expect_ok(run, "quiesce", state.ok() ? Status() : Status(state.error()), "quiesce: stop starting")) return;
  const auto next = stage.actor();
  if (!next->create().ok()) return void(run.skipped = "it does not create here: see lifecycle.start");
  const Status restored = next->restore(text_of(run.plugin->descriptor->version), *state);
  const bool starts_cold = restored.code() == Code::kFailedPrecondition || restored.code() == Code::kUnimplemented;
  if (starts_cold && state->empty()) return;
  if (!expect_ok(run, "restore of its own state", restored,
                 "restore: starts an instance with what quiesce of another version wrote"))
    return;
  stage.call_all(random);
}

void restore_garbage(Run& run) {
  if (!NC_CAN(run.plugin, restore)) return;
  Stage stage(run);
  Random random(run.seed);
  for (int i = 0; i < kRounds; ++i) {
    std::vector<std::string> state(static_cast<size_t>(i) + 1);
    for (std::string& message : state) {
      message.resize(random() % 300);
      for (char& c : message) c = static_cast<char>(random());
    }
    const auto actor = stage.actor();
    if (!actor->create().ok()) return void(run.skipped = "it does not create here: see lifecycle.start");
    (void)actor->restore("0.0.0-other", state);  // either way: what counts is that it ends well
  }
}

}  // namespace

void add_lifecycle_tests(std::vector<Test>& tests) {
  const auto add = [&tests](const char* name, const char* summary, std::vector<Subject> about, void (*run)(Run&)) {
    tests.push_back({name, summary, Test::Needs::kLibrary, std::move(about), run});
  };
  add("lifecycle.start", "It is created, and starts", {Subject::kStructs}, start);
  add("lifecycle.create", "create starts no thread and opens nothing; destroy follows without start",
      {Subject::kThreads, Subject::kDescriptors, Subject::kStructs}, create_only);
  add("lifecycle.leaves-nothing", "After destroy its threads and descriptors are gone",
      {Subject::kThreads, Subject::kDescriptors}, leaves_nothing);
  add("lifecycle.double-create", "Two instances live side by side, and one ends before the other", {}, double_create);
  add("lifecycle.bad-config", "A malformed configuration is refused or taken, and leaves nothing",
      {Subject::kDescriptors, Subject::kStructs}, bad_config);
  add("lifecycle.resume", "After quiesce it goes on by resume", {}, resume);
  add("lifecycle.restore", "What quiesce wrote starts a successor", {}, restore);
  add("lifecycle.restore-garbage", "A state that it does not understand is refused or taken, and ends well", {},
      restore_garbage);
}

}  // namespace novacron::validate::core
