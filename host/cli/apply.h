// `apply`, `diff` and `delete -f`: objects as files say them.
#pragma once

#include <string>

#include "host/cli/session.h"

namespace novacron::host::cli {

/// Creates what is missing and merges the rest, object by object; an error of one does not keep the others. The exit
/// status is that of the first error.
Result<ExitCode> apply_files(Session& session, const std::vector<std::string>& paths);

/// What apply would change, as the host says; kDifferent if anything.
Result<ExitCode> diff_files(Session& session, const std::vector<std::string>& paths);

/// The last first. What is not there is fine.
Result<ExitCode> delete_files(Session& session, const std::vector<std::string>& paths);

}  // namespace novacron::host::cli
