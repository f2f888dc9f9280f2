// --since and --until: times as people type them, for the host.
#pragma once

#include <string>

#include "host/cli/command.h"

namespace novacron::host::cli {

std::vector<OptionSpec> time_range_options(const std::string& what);

/// "1h30m" (ago) is "now-1h30m"; a time stays; anything else is a usage error. Empty stays empty.
Result<std::string> moment_of(const Arguments& arguments, const std::string& option);

/// `where`, each of its alternatives narrowed to objects created within --since and --until.
Result<std::string> where_created(const Arguments& arguments, const std::string& where);

}  // namespace novacron::host::cli
