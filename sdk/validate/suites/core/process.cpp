// What belongs to the whole process, and so to no plugin.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <clocale>
#include <cstring>
#include <filesystem>

#include "sdk/validate/stage.h"
#include "sdk/validate/suites/core/core.h"

extern char** environ;

namespace novacron::validate::core {
namespace {

struct State {
  std::vector<std::string> parts;  // by kNames
};

constexpr const char* kNames[] = {
    "the handling of signals", "the signals that are blocked", "the working folder", "the umask", "the locale",
    "the environment"};

std::string handlers() {
  std::string text;
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action {};
    if (::sigaction(number, nullptr, &action) != 0) continue;
    text +=
        std::to_string(reinterpret_cast<uintptr_t>(action.sa_handler)) + ',' + std::to_string(action.sa_flags) + ' ';
  }
  return text;
}

std::string blocked() {
  sigset_t set;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &set);
  std::string text;
  for (int number = 1; number < NSIG; ++number) text += ::sigismember(&set, number) == 1 ? '1' : '0';
  return text;
}

std::string environment() {
  std::string text;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) text += std::string(*entry) + '\n';
  return text;
}

State state() {
  std::error_code error;
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return {{handlers(), blocked(), std::filesystem::current_path(error).string(), std::to_string(mask),
           std::setlocale(LC_ALL, nullptr), environment()}};
}

void environment_test(Run& run) {
  const State before = state();
  {
    Stage stage(run);
    Random random(run.seed);
    const auto actor = stage.running_actor();
    if (actor) stage.call_all(random);
  }
  const State after = state();
  for (size_t i = 0; i < before.parts.size(); ++i) {
    if (before.parts[i] == after.parts[i]) continue;
    run.find(Subject::kProcess, std::string("it changed ") + kNames[i],
             "RULE 7: inline plugins leave signals, locale, cwd, umask, environment and fork alone",
             "do without, or run in a sandbox only");
  }
}

}  // namespace

void add_process_tests(std::vector<Test>& tests) {
  tests.push_back({"process.environment",
                   "It leaves signals, locale, folder, umask and environment alone",
                   Test::Needs::kLibrary,
                   {Subject::kProcess},
                   environment_test});
}

}  // namespace novacron::validate::core
