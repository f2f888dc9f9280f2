// novacron-validate as a function.
#pragma once

namespace novacron::validate {

constexpr int kAllPassed = 0;
constexpr int kFindings = 1;
constexpr int kCouldNotRun = 2;

int run_program(int argc, char** argv);

}  // namespace novacron::validate
