// Which host this run of the CLI is for, and as whom.
#pragma once

#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/cli/command.h"
#include "host/cli/environment.h"
#include "host/cli/url.h"

namespace novacron::host::cli {

inline constexpr const char* kDefaultSocket = "/run/novacron/api.sock";
inline constexpr const char* kDefaultTenant = "default";

struct Target {
  Endpoint endpoint;
  std::string ca_pem;
  std::string token;
  std::string expires_at;  ///< of the token, if it is a context's
  std::string tenant;
  std::string context;  ///< "" if none was used
};

/// The first of: --server, $NOVACRON_SERVER, --context, $NOVACRON_CONTEXT, the current context, $NOVACRON_SOCKET, the
/// default socket if it is there. A context's token and CA are sent to the context's own server alone. Errors are usage
/// errors that say how to log in.
Result<Target> resolve_target(const Environment& environment, const Arguments& options);

std::string config_path(const Environment& environment);

/// A file that a flag or a variable names, such as a CA or a token.
Result<std::string> read_small_file(const std::string& path);

}  // namespace novacron::host::cli
