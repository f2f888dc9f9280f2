// The CLI as a function, so that a test runs it as main does.
#pragma once

#include <string>
#include <vector>

#include "host/cli/environment.h"
#include "host/cli/exit_code.h"

namespace novacron::host::cli {

/// `words` without the program's name. Writes results to the environment's output and errors to its error stream.
ExitCode run(Environment& environment, const std::vector<std::string>& words);

}  // namespace novacron::host::cli
