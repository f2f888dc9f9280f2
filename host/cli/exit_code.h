// What the CLI's exit status means. Documented in docs/cli.md; the numbers never change.
#pragma once

#include "host/base/result.h"

namespace novacron::host::cli {

enum class ExitCode : int {
  kOk = 0,
  kError = 1,
  kUsage = 2,  ///< the command line is wrong; nothing was sent
  kNotFound = 3,
  kConflict = 4,     ///< it exists already, has changed meanwhile, or is not in a state for this
  kDenied = 5,       ///< not logged in, or not allowed
  kUnavailable = 6,  ///< the host cannot be reached or cannot serve now
  kTimeout = 7,
  kFailed = 8,     ///< what was waited for has failed
  kDifferent = 9,  ///< `diff` found differences
  kInterrupted = 130,
};

/// An Error with one of these reasons comes from the CLI itself.
inline constexpr const char* kUsageReason = "cli.usage";
inline constexpr const char* kFailedReason = "cli.failed";

ExitCode exit_code(const Error& error);

/// An error of the command line.
Error usage_error(std::string message);

}  // namespace novacron::host::cli
