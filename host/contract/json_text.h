// JSON text to a tree, within limits, and back.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "host/base/result.h"

namespace novacron::host::contract {

/// INVALID_ARGUMENT "json.invalid": no JSON, nested deeper than kMaxJsonDepth, or an object with the same key twice.
Result<nlohmann::json> parse_json(std::string_view text);

/// Appends `text` in quotes, escaped; what is not UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace novacron::host::contract
