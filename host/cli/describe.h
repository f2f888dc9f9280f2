// An object, and a kind, in words.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/contract/types.h"

namespace novacron::host::cli {

/// Metadata, spec and status with values in their units, lists as tables.
std::string describe_object(const contract::Kind& kind, const nlohmann::json& object, uint64_t now_ns);

/// What a kind, or the field at `path` ("spec.boot.kernel"; "": the kind), is: its fields with type, flag, rules and
/// default. Error: usage, with a suggestion.
Result<std::string> explain_path(const contract::Kind& kind, std::string_view path);

}  // namespace novacron::host::cli
