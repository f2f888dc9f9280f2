// The command of `novacron` that does the same as a request, derived from the contract as its nouns and flags are.
// Secrets stand there as "@FILE"; what no flag can say is in a patch or a file.
#pragma once

#include <array>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "host/contract/types.h"

namespace novacron::host::contract {

inline constexpr size_t kMaxCommandBytes = 4 * 1'024;  ///< a longer one says "--from-file FILE" or "-p @FILE"

/// Options that every command has; the flag of a field that is called so has the prefix "--spec-".
inline constexpr std::array<std::string_view, 15> kEveryCommandsFlags = {
    "--help",  "--output", "--selector", "--wait",   "--timeout", "--watch",      "--dry-run", "--yes",
    "--quiet", "--tenant", "--context",  "--server", "--ca",      "--token-file", "--token"};

struct CommandTarget {
  const Kind& kind;
  const std::string& tenant;
  const std::string& name;
};

/// `document` as the API shows it, with masked secrets.
std::string create_command_line(const CommandTarget& target, const nlohmann::json& document);
/// Of an update: the merge patch that leads from one document to the other.
std::string patch_command_line(const CommandTarget& target, const nlohmann::json& before, const nlohmann::json& after);
std::string delete_command_line(const CommandTarget& target);
/// `request`: of an action; null of a patch verb. `body` its JSON, with masked secrets.
std::string verb_command_line(const CommandTarget& target, std::string_view verb, const MessageType* request,
                              const nlohmann::json& body);

/// As one word of a shell's command line.
std::string shell_word(std::string_view text);

}  // namespace novacron::host::contract
