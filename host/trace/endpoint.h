// Where spans are sent to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "host/base/result.h"

namespace novacron::host::trace {

struct Endpoint {
  bool tls = true;
  std::string host;  ///< a name or an address, without brackets
  std::string port;
  std::string target;  ///< "/v1/traces"

  /// The Host header.
  std::string authority() const;
};

/// http(s)://HOST[:PORT][/PATH]; without a path: /v1/traces, and without a port: 4318, which OTLP/HTTP has for itself.
/// INVALID_ARGUMENT "trace.endpoint".
Result<Endpoint> parse_endpoint(std::string_view url);
/// One more header of each request. INVALID_ARGUMENT "trace.header" never tells the value.
Status check_header(std::string_view name, std::string_view value);

}  // namespace novacron::host::trace
