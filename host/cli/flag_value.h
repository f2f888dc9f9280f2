// The value of a flag that describes one item of a list: `name=root,size=10GiB,read_only`.
//
//   value = pair { "," pair }
//   pair  = key [ "=" text ]         without "=", the text is "true"
//   text  = plain { plain }          "\" makes the next character plain
//         | '"' … '"'                inside, commas are plain and "\" makes the next character plain
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/base/result.h"

namespace novacron::host::cli {

inline constexpr size_t kMaxFlagValueBytes = 64 * 1024;
inline constexpr size_t kMaxPairs = 256;

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// In the order as written; a key may occur again. Errors are usage errors.
Result<Pairs> parse_pairs(std::string_view text);

/// Text that parse_pairs() reads as these pairs.
std::string format_pairs(const Pairs& pairs);

/// `k=v`, split at the first "=". Error: usage.
Result<std::pair<std::string, std::string>> parse_pair(std::string_view text);

}  // namespace novacron::host::cli
