#include "host/cli/exit_code.h"

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::cli;

TEST_CASE("each class of error has its own exit status") {
  CHECK(exit_code({Code::kInternal, "x"}) == ExitCode::kError);
  CHECK(exit_code({Code::kInvalidArgument, "x"}) == ExitCode::kError);
  CHECK(exit_code({Code::kNotFound, "x"}) == ExitCode::kNotFound);
  CHECK(exit_code({Code::kAlreadyExists, "x"}) == ExitCode::kConflict);
  CHECK(exit_code({Code::kAborted, "x"}) == ExitCode::kConflict);
  CHECK(exit_code({Code::kPermissionDenied, "x"}) == ExitCode::kDenied);
  CHECK(exit_code({Code::kUnauthenticated, "x"}) == ExitCode::kDenied);
  CHECK(exit_code({Code::kUnavailable, "x"}) == ExitCode::kUnavailable);
  CHECK(exit_code({Code::kDeadlineExceeded, "x"}) == ExitCode::kTimeout);
  CHECK(exit_code({Code::kCancelled, "x"}) == ExitCode::kInterrupted);
}

TEST_CASE("a wrong command line and a failed wait are told from errors of the host") {
  CHECK(exit_code(usage_error("no such flag")) == ExitCode::kUsage);
  CHECK(exit_code({Code::kFailedPrecondition, "it crashed", kFailedReason}) == ExitCode::kFailed);
}
