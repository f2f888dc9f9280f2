// The task log, as the command line shows it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "host/cli/session.h"
#include "host/cli/table.h"

namespace novacron::host::cli {

/// What is empty may be anything.
struct TaskFilter {
  std::string object = {};  ///< "group/Kind/name"
  std::string principal = {};
  std::string verb = {};
  std::string outcome = {};
  std::string limit = {};
  std::string tenant = {};
};

/// A list, the newest first; those of the session's tenant where one was named.
Result<nlohmann::json> read_tasks(Session& session, const TaskFilter& filter);
Table task_table(const nlohmann::json& tasks);

/// What an object has been told of lately, and what was done to it: for `describe`. Empty where nothing is known or may
/// be seen.
std::string history_text(Session& session, const contract::Kind& kind, const std::string& name);

}  // namespace novacron::host::cli
