// Runs each test in a process of its own, with a timeout and limits, and keeps what it wrote.
#pragma once

#include <string>
#include <vector>

#include "sdk/validate/child.h"

namespace novacron::validate {

struct RunnerSettings {
  std::vector<std::string> arguments;  ///< of this program, for the child; the test's name is added
  uint64_t timeout_ms = 60'000;
};

/// Never fails: what is wrong with the child is a finding of the test.
TestResult run_in_child(const Test& test, const RunnerSettings& settings);

}  // namespace novacron::validate
