// Flags that are derived from a contract: one for each field that a user may set, named as the contract says or by the
// field's path.
//
//   a number, text, enum     --cpu 2
//   a bool                   --electric, --no-electric, --electric=false
//   a message                a flag for each of its fields: --place-row 3
//   bytes                    the text itself, or @FILE, or @- for standard input
//   a repeated scalar        --color red --color blue
//   a map                    --hall-label key=value, repeated
//   a repeated message       --part name=axle,length=2, repeated: see flag_value.h. A unit's suffix may be left out of
//                            a key (size for size_bytes), "maker.name" reaches into a message or a map.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/cli/command.h"
#include "host/contract/types.h"

namespace novacron::host::cli {

inline constexpr size_t kMaxFlagDepth = 6;  ///< of messages in messages; deeper fields are set by --from-file
inline constexpr size_t kMaxFlags = 500;
inline constexpr size_t kMaxFlagFileBytes = 4u << 20;

struct Flag {
  std::string name;               ///< "--cpu"
  std::string short_name;         ///< "-c", or empty
  std::vector<std::string> path;  ///< below the message: {"boot", "kernel"}
  const contract::Field* field = nullptr;
};

/// The flags of a message. A name that `taken` holds, or that an earlier flag has, gets the prefix "--spec-"; a short
/// name is then left out.
std::vector<Flag> derive_flags(const contract::MessageType& message, const std::vector<OptionSpec>& taken);

OptionSpec option_of(const Flag& flag);

/// The flags whose fields are arguments behind the name, in their order. They are flags as well.
std::vector<Flag> positional_flags(const std::vector<Flag>& flags);

/// Reads "@FILE" of a bytes field.
using ReadFile = std::function<Result<std::string>(const std::string& path)>;

/// Writes the given values into `message`, a JSON object that may hold values already: items of lists with keys are
/// replaced by key, other lists as a whole, map entries one by one. `first_positional`: where the positional values of
/// flags begin among the arguments. Errors are usage errors that name the flag.
Status apply_flags(const std::vector<Flag>& flags, const Arguments& arguments, size_t first_positional,
                   const ReadFile& read_file, nlohmann::json& message);

/// One item of a repeated message from its text.
Result<nlohmann::json> read_item(const contract::MessageType& message, std::string_view text,
                                 const ReadFile& read_file);

}  // namespace novacron::host::cli
