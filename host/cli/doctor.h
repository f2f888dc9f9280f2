// `doctor`: what can be wrong between a user and a working host, checked one by one.
#pragma once

#include "host/cli/session.h"

namespace novacron::host::cli {

/// Prints a line a check, and below what is wrong what to do. kError if a check failed.
Result<ExitCode> run_doctor(Session& session);

}  // namespace novacron::host::cli
