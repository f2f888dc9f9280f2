#include "host/cli/url.h"

#include <arpa/inet.h>

#include <charconv>

#include "host/cli/exit_code.h"

namespace novacron::host::cli {
namespace {

/// An address, not a name that only begins like one: that may be anybody's.
bool is_loopback(const std::string& host) {
  in_addr address{};
  if (::inet_pton(AF_INET, host.c_str(), &address) == 1) return (ntohl(address.s_addr) >> 24) == 127;
  return host == "localhost" || host == "::1";
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

Result<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) {
    return usage_error("\"" + std::string(text) + "\" is no port number");
  }
  return port;
}

bool valid_host(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  for (const char c : host) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && c != '.' && c != '-' && c != ':' && c != '_' && c != '%') return false;
  }
  return true;
}

/// HOST, HOST:PORT, [V6] or [V6]:PORT
Status parse_authority(std::string_view text, Endpoint& endpoint) {
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return usage_error("an IPv6 address ends with ]");
    endpoint.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else {
    const size_t colon = text.find(':');
    endpoint.host = text.substr(0, colon);
    port = colon == std::string_view::npos ? "" : text.substr(colon);
  }
  if (!valid_host(endpoint.host)) return usage_error("\"" + std::string(text) + "\" names no host");
  if (port.empty()) return {};
  if (!port.starts_with(':')) return usage_error("\"" + std::string(text) + "\" names no host");
  endpoint.port = TRY(parse_port(port.substr(1)));
  return {};
}

}  // namespace

std::string Endpoint::text() const {
  if (kind == Kind::kUnix) return "unix://" + socket_path;
  return (kind == Kind::kTls ? "https://" : "http://") + authority();
}

std::string Endpoint::authority() const {
  return kind == Kind::kUnix ? "localhost" : bracketed(host) + ":" + std::to_string(port);
}

Result<Endpoint> parse_endpoint(std::string_view url) {
  Endpoint endpoint;
  std::string_view rest = url;
  if (rest.starts_with("unix://") || rest.starts_with('/')) {
    if (!rest.starts_with('/')) rest.remove_prefix(7);
    if (!rest.starts_with('/')) return usage_error("a Unix socket is given as unix:///path");
    endpoint.kind = Endpoint::Kind::kUnix;
    endpoint.socket_path = rest;
    return endpoint;
  }
  if (rest.starts_with("http://")) {
    endpoint.kind = Endpoint::Kind::kPlain;
    rest.remove_prefix(7);
  } else if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  TRY_STATUS(parse_authority(rest, endpoint));
  if (endpoint.kind == Endpoint::Kind::kPlain && !is_loopback(endpoint.host)) {
    return usage_error("http:// is for this machine only, since it would show your token: use https://" +
                       std::string(rest));
  }
  return endpoint;
}

std::string percent_encode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

std::string with_query(std::string path, const Query& query) {
  char separator = '?';
  for (const auto& [key, value] : query) {
    if (value.empty()) continue;
    path += separator + key + "=" + percent_encode(value);
    separator = '&';
  }
  return path;
}

}  // namespace novacron::host::cli
