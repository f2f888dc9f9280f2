// The process in which one test runs.
#pragma once

#include <string>

#include "sdk/validate/test.h"

namespace novacron::validate {

enum class Verdict { kPassed, kFailed, kSkipped };

/// What one run of one test came to.
struct TestResult {
  std::string name;
  std::string suite;
  Verdict verdict = Verdict::kFailed;
  std::vector<Finding> findings;
  std::string skipped = {};
  std::string output = {};  ///< the end of what it wrote
  uint64_t duration_ms = 0;
};

/// Runs it here and now. `memory` outlives the plugin's threads.
TestResult run_here(const Test& test, const Package& package, const std::string& config, uint64_t seed,
                    boundary::GuardedMemory& memory);

/// The plugin's table in a placement; the library stays loaded. Null, with a finding.
const nc_plugin* open_plugin(Run& run, Placement placement);

/// A test by its seed: each test gets numbers of its own.
uint64_t seed_of(uint64_t seed, const std::string& test);

/// Where a crash is told in words: which loan was touched, whether the stack overflowed. Writes to `report_fd` and ends
/// the process. `memory` lives as long as the process.
void report_crashes_to(int report_fd, const boundary::GuardedMemory& memory);
/// Lets this thread's crash be told even if its stack is used up. Once a thread.
void prepare_thread_for_crashes();

// Between the two processes.
std::string to_report(const TestResult& result);
/// Nothing came, or half of it: false.
bool from_report(const std::string& report, TestResult& result);

}  // namespace novacron::validate
