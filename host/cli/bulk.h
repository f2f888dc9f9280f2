// Changes of all objects that a selector chooses, instead of names.
#pragma once

#include <memory>
#include <string>

#include "host/cli/objects.h"

namespace novacron::host::cli {

/// --where, of commands that change many.
OptionSpec where_option();

struct BulkChange {
  std::string method = "POST";
  std::string verb = {};  ///< of POST
  std::string body = {};
  std::string content_type = "application/json";
  std::string done;  ///< "stop: done", "changed"
  WaitByDefault wait = WaitByDefault::kYes;
  std::shared_ptr<const contract::Condition> ready_when = {};  ///< null: the kind's
};

/// All that -l and `where` choose; at least one of them must. What is refused of one keeps none of the others.
Result<ExitCode> change_selected(Session& session, const contract::Kind& kind, const std::string& where,
                                 const BulkChange& change);

}  // namespace novacron::host::cli
