// What an apply set had and its files no longer have.
#pragma once

#include <set>
#include <string>

#include "host/cli/session.h"

namespace novacron::host::cli {

inline constexpr const char* kApplySetLabel = "novacron/apply-set";

/// Deletes the objects with the label of `apply_set`, of every kind that the user may list, but `keep`: display names.
/// What others still refer to is tried again after those. Asks first where a kind wants it.
Result<ExitCode> prune(Session& session, const std::string& apply_set, const std::set<std::string>& keep);

}  // namespace novacron::host::cli
