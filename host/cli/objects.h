// What every noun can do: list, show, create, change, delete, the same way for each kind.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/cli/session.h"
#include "host/cli/wait.h"

namespace novacron::host::cli {

/// "machine/web1", with the kind's first short name.
std::string display_name(const contract::Kind& kind, const std::string& name);
/// The kind's first short name, else its segment.
std::string noun_of(const contract::Kind& kind);

/// The kind that an object's "kind" names. Errors are usage errors.
Result<const contract::Kind*> kind_of(Session& session, const nlohmann::json& object);

/// --where, --sort-by, --fields and --at.
std::vector<OptionSpec> list_options();
Result<ExitCode> list_objects(Session& session, const contract::Kind& kind, const Arguments& arguments);
Result<ExitCode> watch_objects(Session& session, const contract::Kind& kind, const std::string& where = "");
Result<ExitCode> show_object(Session& session, const contract::Kind& kind, const std::string& name);
/// Asks first where the kind wants it.
Result<ExitCode> delete_objects(Session& session, const contract::Kind& kind, const std::vector<std::string>& names);
/// All that -l and `where` choose; at least one of them must. What cannot go keeps none of the others.
Result<ExitCode> delete_selected(Session& session, const contract::Kind& kind, const std::string& where);

/// `at`: as of this revision; empty: now.
Result<nlohmann::json> get_object(Session& session, const contract::Kind& kind, const std::string& name,
                                  const std::string& at = "");
/// kCheck: the host says what would be, and changes nothing. --dry-run makes every change a check.
enum class Effect { kReal, kCheck };
Result<nlohmann::json> create_object(Session& session, const contract::Kind& kind, const nlohmann::json& object,
                                     Effect effect = Effect::kReal);
/// A list is a JSON patch, an object a merge patch.
Result<nlohmann::json> patch_object(Session& session, const contract::Kind& kind, const std::string& name,
                                    const nlohmann::json& patch, Effect effect = Effect::kReal);
/// Replaces metadata and spec, if nobody else has changed them since `object` was read.
Result<nlohmann::json> replace_object(Session& session, const contract::Kind& kind, const nlohmann::json& object);

/// What the change that was just checked would do, as a list; nothing where it was none.
void print_plan(Session& session);

enum class WaitByDefault { kNo, kYes };

/// Waits as asked, then tells: the object in the wanted format, or "machine/web1 created".
Result<ExitCode> report_change(Session& session, const contract::Kind& kind, nlohmann::json object,
                               const std::string& what, WaitByDefault wait, WaitGoal goal = {});

}  // namespace novacron::host::cli
