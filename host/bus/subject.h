// Subjects name what happened ("plugin.failed"); patterns choose among them.
//
// A subject is 1 to 16 tokens of letters, digits, '-' and '_', joined by dots, at most 255 bytes. In a pattern the
// token
// '*' stands for any one token, and '>' as the last token for one or more.
#pragma once

#include <cstddef>
#include <string_view>

#include "host/base/result.h"

namespace novacron::host::bus {

constexpr size_t kMaxSubjectBytes = 255;
constexpr size_t kMaxSubjectTokens = 16;

/// INVALID_ARGUMENT "bus.subject".
Status check_subject(std::string_view subject);
/// INVALID_ARGUMENT "bus.pattern".
Status check_pattern(std::string_view pattern);

/// Takes the first token off `rest`, and the dot behind it.
std::string_view next_token(std::string_view& rest);

/// Both must be well formed.
bool matches(std::string_view pattern, std::string_view subject);
/// Every subject that `narrow` matches is matched by `wide` too: what a grant of `wide` allows.
bool covers(std::string_view wide, std::string_view narrow);

}  // namespace novacron::host::bus
