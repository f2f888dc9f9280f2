// The commands of a kind, made from its contract: create, list, show, edit, delete, its patch verbs and its actions.
#pragma once

#include <vector>

#include "host/cli/command.h"
#include "host/cli/session.h"
#include "host/cli/wait.h"
#include "host/contract/schema.h"

namespace novacron::host::cli {

/// One command a kind. A noun that is in `reserved` is left to the CLI's own command; a kind without any noun left is
/// reached by its segment, or by `get` and `apply`. The schema outlives the commands.
std::vector<Command> noun_commands(const contract::Schema& schema, const std::vector<std::string>& reserved);

Command noun_command(const contract::Kind& kind, std::vector<std::string> nouns);

/// `create`, under another name and with further flags; `prepare` sees the object before it is sent,
/// and may give a goal to wait for.
using Prepare = std::function<Result<WaitGoal>(Session&, const Arguments&, nlohmann::json& object)>;
Command create_command(const contract::Kind& kind, const std::string& name, const std::string& noun,
                       std::vector<OptionSpec> more = {}, Prepare prepare = {});

/// Runs one action of an object and shows its reply.
Result<ExitCode> run_action(Session& session, const contract::Kind& kind, const contract::Action& action,
                            const std::string& name, const std::string& body);

/// Reads "@FILE" of flags; "-" is standard input.
Result<std::string> read_flag_file(Session& session, const std::string& path);

}  // namespace novacron::host::cli
