// Objects from files: `-f FILE|-|FOLDER`.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/cli/environment.h"

namespace novacron::host::cli {

inline constexpr size_t kMaxDocumentBytes = 4u << 20;
inline constexpr size_t kMaxFiles = 10'000;
inline constexpr size_t kMaxObjects = 10'000;

/// The objects of a file, of standard input ("-"), or of all *.yaml, *.yml and *.json files of a folder and those below
/// it, by path. YAML may hold many documents; a list, or an object with "items", stands for its items. Errors name the
/// file.
Result<std::vector<nlohmann::json>> read_documents(const Environment& environment, const std::string& path);

/// Standard input up to its end.
Result<std::string> read_all(std::istream& in, size_t max_bytes);

}  // namespace novacron::host::cli
