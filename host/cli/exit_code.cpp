#include "host/cli/exit_code.h"

namespace novacron::host::cli {

ExitCode exit_code(const Error& error) {
  if (error.reason == kUsageReason) return ExitCode::kUsage;
  if (error.reason == kFailedReason) return ExitCode::kFailed;
  switch (error.code) {
    case Code::kOk:
      return ExitCode::kOk;
    case Code::kNotFound:
      return ExitCode::kNotFound;
    case Code::kAlreadyExists:
    case Code::kAborted:
    case Code::kFailedPrecondition:
      return ExitCode::kConflict;
    case Code::kPermissionDenied:
    case Code::kUnauthenticated:
      return ExitCode::kDenied;
    case Code::kUnavailable:
      return ExitCode::kUnavailable;
    case Code::kDeadlineExceeded:
      return ExitCode::kTimeout;
    case Code::kCancelled:
      return ExitCode::kInterrupted;
    default:
      return ExitCode::kError;
  }
}

Error usage_error(std::string message) {
  return {Code::kInvalidArgument, std::move(message), kUsageReason};
}

}  // namespace novacron::host::cli
