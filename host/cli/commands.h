// The CLI's own commands, and the tree that they make together with the nouns of a schema.
#pragma once

#include <string>
#include <vector>

#include "host/cli/command.h"
#include "host/cli/session.h"
#include "host/contract/schema.h"

namespace novacron::host::cli {

/// get, apply, diff, patch, delete, watch, describe, explain, wait, api-resources
std::vector<Command> object_commands();
/// status, doctor, events, version
std::vector<Command> host_commands();
/// config, log
std::vector<Command> config_commands();
/// `upload`, and what the kind of blobs has if it is known.
Command blob_command(const contract::Kind* kind);
/// login, context
std::vector<Command> login_commands();
/// Operations: besides what their contract says, `watch`, `undo`, `children` and `log`.
Command operation_command(const contract::Kind& kind);
/// The kind of plugins is the host's own, so that its noun may have more than its contract says: install, remove, info.
Command plugin_command(const contract::Kind& kind);
Command plugin_top_command();
Command plugin_revive_command(const contract::Kind& kind);
/// `plugin upgrade NAME[@VERSION]`, in the place of the verb that the contract gives.
Command plugin_upgrade_command(const contract::Kind& kind);
/// Prints a script for a shell; the hidden command that it calls answers by completions() below.
Command completion_command();

Command support_bundle_command();
/// Prints or writes the manual pages of all commands.
Command man_command();

/// What may follow the given words, the last of which may be unfinished.
std::vector<std::string> completions(const Command& root, const std::vector<OptionSpec>& everywhere,
                                     const std::vector<std::string>& words);

/// All commands; null: without the nouns of a schema.
Command command_tree(const contract::Schema* schema);
/// Whether a command needs no schema to be understood.
bool is_own_command(const std::string& word);

}  // namespace novacron::host::cli
