// What novacrond was asked for, and its manual page, which comes from the same definitions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "host/daemon/config.h"

namespace novacron::host::daemon {

enum class Task {
  kServe,
  kCheck,  ///< say whether the settings are valid
  kShow,   ///< the same, and what they are
  kMan,    ///< print the manual page
};

struct CommandLine {
  Task task = Task::kServe;
  std::string file;            ///< of the settings; empty: none
  bool file_is_given = false;  ///< else it is the default one, which may be absent
  bool is_dev = false;
  uint64_t fleet = 0;
};

/// The exit status instead when all has been said: help, the version, or an error on standard error.
std::variant<CommandLine, int> parse_command_line(int argc, const char* const* argv);

/// novacrond(8) in the man macros.
std::string manual_page();

}  // namespace novacron::host::daemon
