// How the text of a flag becomes JSON. Used by flags.cpp.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "host/cli/flags.h"

namespace novacron::host::cli {

/// One value of a field that is no message. An enum's name may be in lower case.
Result<nlohmann::json> read_scalar(const contract::Field& field, const std::string& text, const ReadFile& read_file);

}  // namespace novacron::host::cli
