// Manual pages, made from the same tree of commands as help, completion and the parser.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host/cli/command.h"

namespace novacron::host::cli {

/// The page of a command of section 1 in the man macros. `path` is "novacron blob list"; the root's page has the flags
/// of every command, exit statuses and variables too.
std::string manual_page(const Command& command, const std::string& path, const std::vector<OptionSpec>& everywhere);

/// "novacron-blob-list" for "novacron blob list".
std::string manual_name(const std::string& path);

/// Calls `visit` for the command and all below it, with their paths.
void for_each_command(const Command& command, const std::string& path,
                      const std::function<void(const Command&, const std::string& path)>& visit);

}  // namespace novacron::host::cli
