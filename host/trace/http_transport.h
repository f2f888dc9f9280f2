// OTLP/HTTP: one POST a batch, over TLS with the collector's certificate verified, or in the clear.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/base/result.h"
#include "host/trace/exporter.h"

namespace novacron::host::trace {

struct HttpOptions {
  std::string endpoint;                                      ///< see parse_endpoint()
  std::vector<std::pair<std::string, std::string>> headers;  ///< their values are secrets
  std::string ca_file;                                       ///< whom to trust, PEM; empty: the system's authorities
};

/// INVALID_ARGUMENT as parse_endpoint() and check_header(), or "trace.ca".
Result<std::unique_ptr<Transport>> make_http_transport(HttpOptions options);

/// Of the header Retry-After, in seconds or as a date; 0: neither.
uint64_t parse_retry_after(std::string_view value, uint64_t real_now_ns);

}  // namespace novacron::host::trace
