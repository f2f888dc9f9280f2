// Objects made and changed from flags, files and the user's editor.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "host/cli/flags.h"
#include "host/cli/session.h"

namespace novacron::host::cli {

/// The object that `create` sends: --from-file first, then flags, labels and annotations over it.
Result<nlohmann::json> object_from_flags(Session& session, const contract::Kind& kind, const std::vector<Flag>& flags,
                                         const Arguments& arguments);

/// With flags: reads, changes, replaces, and begins anew when somebody else was faster. Without: the same by editor.
Result<ExitCode> edit_object(Session& session, const contract::Kind& kind, const std::vector<Flag>& flags,
                             const Arguments& arguments);

/// A command line with the first flags that have names of their own.
std::string example_of(const contract::Kind& kind, const std::vector<Flag>& flags, const std::string& command);

}  // namespace novacron::host::cli
