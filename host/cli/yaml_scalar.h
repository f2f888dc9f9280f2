// How a YAML scalar becomes a JSON value, and the other way round. Used by yaml.cpp.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "host/base/result.h"

namespace novacron::host::cli {

/// `tag` as yaml-cpp gives it: "?" for a plain scalar, "!" for a quoted one, else an explicit tag.
Result<nlohmann::json> read_yaml_scalar(std::string_view tag, std::string_view text);

/// A string as a YAML scalar on one line: plain where no reader could take it for anything else, else in double quotes.
std::string yaml_string(const std::string& text);

}  // namespace novacron::host::cli
