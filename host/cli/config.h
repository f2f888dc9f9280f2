// Contexts: which hosts there are, and who the user is there. One TOML file that only its owner can read.
#pragma once

#include <map>
#include <string>

#include "host/base/result.h"

namespace novacron::host::cli {

inline constexpr size_t kMaxConfigBytes = 1u << 20;

struct Context {
  std::string server = {};      ///< a URL
  std::string ca_pem = {};      ///< empty: the system's authorities
  std::string token = {};       ///< empty: none
  std::string expires_at = {};  ///< of the token, RFC 3339
  std::string tenant = {};      ///< empty: "default"
};

struct Config {
  std::string current;
  std::map<std::string, Context> contexts;
};

/// A missing file is an empty configuration.
Result<Config> load_config(const std::string& path);
/// With its folder, mode 0600, in one step.
Status save_config(const std::string& path, const Config& config);

}  // namespace novacron::host::cli
