// Waiting until an object is as wanted: a watch, taken up again when it breaks, until a deadline.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "host/cli/session.h"
#include "host/contract/condition.h"

namespace novacron::host::cli {

struct WaitGoal {
  enum class What { kReady, kDeleted, kCondition };
  What what = What::kReady;
  std::shared_ptr<const contract::Condition> ready_when = {};  ///< for kReady; null: the kind's
  std::string condition = {};  ///< for kCondition: the type of a condition that is to be TRUE
  uint64_t generation = 0;     ///< for kReady: which the controller must have seen
  std::string uid = {};        ///< for kDeleted: another object of that name is not meant
};

/// "ready", "deleted", the type of a condition, or a comparison such as "status.phase==RUNNING".
Result<WaitGoal> parse_goal(const contract::Kind& kind, const std::string& text);

/// The object as it is then; null when it is gone. DEADLINE_EXCEEDED says how far it came; an error with kFailedReason
/// when it has failed; NOT_FOUND if it does not exist.
Result<nlohmann::json> wait_for(Session& session, const contract::Kind& kind, const std::string& name,
                                const WaitGoal& goal);

/// "RUNNING: no node has enough memory": how far an object has come, in one line.
std::string state_of(const contract::Kind& kind, const nlohmann::json& object);

}  // namespace novacron::host::cli
