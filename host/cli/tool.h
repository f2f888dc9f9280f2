// Programs of the SDK that the CLI runs as its own commands. They need no host.
#pragma once

#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/cli/command.h"

namespace novacron::host::cli {

/// `plugin validate`, and what else a plugin's author needs without a host.
std::vector<Command> plugin_author_commands();
/// Whether the words begin such a command, so that no schema is needed to understand them.
bool is_plugin_author_command(const std::vector<std::string>& words);

/// Runs a program that is installed beside this one, or in ../libexec/novacron; it inherits all streams. Its exit
/// status; NOT_FOUND.
Result<int> run_program_beside(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace novacron::host::cli
