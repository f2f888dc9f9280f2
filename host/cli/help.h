// How flags are told of, in help and in manual pages.
#pragma once

#include <string>

#include "host/cli/command.h"

namespace novacron::host::cli {

/// "-c, --cpu N"; without a short name that place is left empty.
std::string option_term(const OptionSpec& option);
/// Its summary, its choices, and whether it may be repeated.
std::string option_text(const OptionSpec& option);
/// "NAME [VALUE…]"
std::string arguments_text(const Command& command);

}  // namespace novacron::host::cli
