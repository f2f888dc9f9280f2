// YAML for people, JSON inside. Types are kept: a quoted scalar is a string, a plain one is read by YAML 1.2's core
// schema ("yes" is a string, "true" is not). What is read is bounded in size, depth and alias expansion.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"

namespace novacron::host::cli {

struct YamlLimits {
  size_t bytes = 4u << 20;
  size_t depth = 64;
  size_t values = 200'000;  ///< scalars, maps and lists after aliases are expanded
  size_t documents = 10'000;
};

/// The documents of a YAML stream, empty ones left out. INVALID_ARGUMENT with line and column where it is wrong.
Result<std::vector<nlohmann::json>> parse_yaml(std::string_view text, const YamlLimits& limits = {});

/// One JSON text, within the same bounds.
Result<nlohmann::json> parse_json(std::string_view text, const YamlLimits& limits = {});

/// One document in block style, keys in order, ended by a newline. parse_yaml gives the same value back.
std::string to_yaml(const nlohmann::json& value);

}  // namespace novacron::host::cli
