// Where a host is, and how paths and queries are written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/base/result.h"

namespace novacron::host::cli {

inline constexpr uint16_t kDefaultPort = 8443;

struct Endpoint {
  enum class Kind { kTls, kPlain, kUnix };
  Kind kind = Kind::kTls;
  std::string host;  ///< name or address without brackets; empty for kUnix
  uint16_t port = kDefaultPort;
  std::string socket_path;  ///< for kUnix

  /// "https://host:8443", "unix:///run/x.sock"
  std::string text() const;
  /// The Host header.
  std::string authority() const;
};

/// https://HOST[:PORT], unix:///PATH, or http:// to a loopback address. A bare HOST[:PORT] is taken for https, a path
/// that starts with "/" for a Unix socket. Error: usage.
Result<Endpoint> parse_endpoint(std::string_view url);

/// Every byte but unreserved ones as %XX.
std::string percent_encode(std::string_view text);

using Query = std::vector<std::pair<std::string, std::string>>;
/// `path?a=b&c=d`; pairs with an empty value are left out.
std::string with_query(std::string path, const Query& query);

}  // namespace novacron::host::cli
