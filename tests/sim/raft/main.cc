// raft_sim: runs seeds of the simulated cluster. scripts/sim builds and calls it.
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string_view>

#include "tests/sim/raft/simulation.h"

namespace {

constexpr const char* kUsage =
    "raft_sim [--seeds N] [--first S]   runs N seeds from S on (default 1000, from 1)\n"
    "raft_sim --seed S [--trace]        runs one, and says what happens in it\n"
    "         --must-fail               a violation is what is wanted: for mutants\n"
    "\n"
    "Ends with 0 when nothing was violated, with 1 and the seed when something was, with 2 when it was called "
    "wrongly.\n";

struct Options {
  uint64_t first = 1;
  uint64_t seeds = 1'000;
  bool trace = false;
  bool must_fail = false;
};

/// For the handler of a broken invariant, which can be told nothing else.
volatile sig_atomic_t exit_when_broken = 1;
char broken_text[96];

void on_abort(int) {
  (void)!::write(STDOUT_FILENO, broken_text, std::strlen(broken_text));
  ::_exit(exit_when_broken);
}

bool read_number(const char* text, uint64_t& out) {
  if (!text) return false;
  const char* const end = text + std::strlen(text);
  const auto [at, error] = std::from_chars(text, end, out);
  return error == std::errc() && at == end;
}

bool read_options(int count, char** arguments, Options& out) {
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (name == "--trace" || name == "--must-fail") {
      (name == "--trace" ? out.trace : out.must_fail) = true;
      continue;
    }
    uint64_t* target = nullptr;
    if (name == "--seeds") target = &out.seeds;
    if (name == "--first" || name == "--seed") target = &out.first;
    if (!target || !read_number(i + 1 < count ? arguments[++i] : nullptr, *target)) return false;
    if (name == "--seed") out.seeds = 1;
  }
  return true;
}

int run(const Options& options) {
  novacron::sim::Outcome all;
  const auto begun = std::chrono::steady_clock::now();
  for (uint64_t seed = options.first; seed < options.first + options.seeds; ++seed) {
    std::snprintf(broken_text, sizeof(broken_text), "seed %llu: an invariant was broken\n",
                  static_cast<unsigned long long>(seed));
    const auto outcome = novacron::sim::simulate(seed, options.trace ? &std::cout : nullptr);
    if (!outcome.violation.empty()) {
      std::cout << "seed " << seed << ", after " << seed - options.first + 1 << " seeds: " << outcome.violation << '\n';
      return 1;
    }
    all.events += outcome.events;
    all.virtual_us += outcome.virtual_us;
    all.committed += outcome.committed;
    all.terms_led += outcome.terms_led;
    all.undecided += outcome.undecided;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::cout << options.seeds << " seeds, 0 violations: " << all.events << " events, " << all.virtual_us / 1'000'000
            << " s of virtual time, " << all.committed << " entries committed, " << all.terms_led << " terms led, "
            << all.undecided << " histories undecided, " << static_cast<uint64_t>(all.events / took.count())
            << " events/s\n";
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  if (!read_options(count, arguments, options)) return std::cerr << kUsage, 2;
  exit_when_broken = options.must_fail ? 0 : 1;
  std::signal(SIGABRT, on_abort);
  const int result = run(options);
  return options.must_fail ? 1 - result : result;
}
