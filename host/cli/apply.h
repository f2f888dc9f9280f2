// `apply`, `diff` and `delete -f`: objects as files say them.
#pragma once

#include <string>

#include "host/cli/session.h"

namespace novacron::host::cli {

struct ApplyOptions {
  std::string manager = "novacron";  ///< decides the fields that the files have
  std::string apply_set = {};        ///< a label of what belongs together
  bool force = false;                ///< take over fields that another manager decides
  bool prune = false;                ///< delete what has the label and is no longer in the files
};

/// Server-side apply, object by object; an error of one does not keep the others, but nothing is pruned then. The exit
/// status is that of the first error.
Result<ExitCode> apply_files(Session& session, const std::vector<std::string>& paths, const ApplyOptions& options);

/// What apply would change, as the host says; kDifferent if anything.
Result<ExitCode> diff_files(Session& session, const std::vector<std::string>& paths, const ApplyOptions& options);

/// The last first. What is not there is fine.
Result<ExitCode> delete_files(Session& session, const std::vector<std::string>& paths);

}  // namespace novacron::host::cli
