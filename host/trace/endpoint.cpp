#include "host/trace/endpoint.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace novacron::host::trace {
namespace {

constexpr std::string_view kDefaultPort = "4318";
constexpr std::string_view kDefaultTarget = "/v1/traces";
constexpr size_t kMaxUrlBytes = 2'048, kMaxNameBytes = 128, kMaxValueBytes = 8'192;

Error wrong(std::string_view what) {
  return {Code::kInvalidArgument, "the endpoint " + std::string(what) + ": http(s)://HOST[:PORT][/PATH]",
          "trace.endpoint"};
}

bool is_visible(char c) {
  return c > ' ' && c < 0x7f;
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_host(std::string_view text) {
  const auto fits = [](char c) { return is_letter_or_digit(c) || c == '.' || c == '-' || c == '_' || c == ':'; };
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), fits);
}

bool is_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  return failure == std::errc() && end == text.data() + text.size() && port != 0;
}

Status split_authority(std::string_view text, Endpoint& out) {
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return wrong("has an address without its ]");
    out.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else {
    const size_t colon = text.find(':');
    out.host = text.substr(0, colon);
    port = colon == std::string_view::npos ? "" : text.substr(colon);
  }
  if (!is_host(out.host)) return wrong("names no host");
  out.port = kDefaultPort;
  if (port.empty()) return {};
  if (!port.starts_with(':') || !is_port(port.substr(1))) return wrong("has no port number");
  out.port = port.substr(1);
  return {};
}

}  // namespace

std::string Endpoint::authority() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
}

Result<Endpoint> parse_endpoint(std::string_view url) {
  constexpr std::string_view kPlain = "http://", kTls = "https://";
  if (url.size() > kMaxUrlBytes || !std::all_of(url.begin(), url.end(), is_visible)) return wrong("is no URL");
  Endpoint out;
  out.tls = url.starts_with(kTls);
  if (!out.tls && !url.starts_with(kPlain)) return wrong("starts with neither http:// nor https://");
  url.remove_prefix(out.tls ? kTls.size() : kPlain.size());
  const size_t slash = url.find('/');
  TRY_STATUS(split_authority(url.substr(0, slash), out));
  out.target = slash == std::string_view::npos || slash + 1 == url.size() ? kDefaultTarget : url.substr(slash);
  if (out.target.find('#') != std::string::npos) return wrong("has a fragment");
  return out;
}

Status check_header(std::string_view name, std::string_view value) {
  constexpr std::array<std::string_view, 6> kOurs = {"host",       "content-length",    "content-type",
                                                     "connection", "transfer-encoding", "content-encoding"};
  constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";
  const auto in_token = [&](char c) { return is_letter_or_digit(c) || kTokenMarks.find(c) != std::string_view::npos; };
  std::string lower(name);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const bool is_token =
      !name.empty() && name.size() <= kMaxNameBytes && std::all_of(name.begin(), name.end(), in_token);
  if (!is_token) return Error{Code::kInvalidArgument, "a header's name is not one of HTTP's", "trace.header"};
  if (std::find(kOurs.begin(), kOurs.end(), lower) != kOurs.end())
    return Error{Code::kInvalidArgument, "the header " + lower + " is the host's own", "trace.header"};
  const auto fits = [](char c) { return is_visible(c) || c == ' ' || c == '\t'; };
  if (value.size() <= kMaxValueBytes && std::all_of(value.begin(), value.end(), fits)) return {};
  return Error{Code::kInvalidArgument, "the value of the header " + lower + " has characters that HTTP cannot carry",
               "trace.header"};
}

}  // namespace novacron::host::trace
