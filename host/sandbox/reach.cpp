#include "host/sandbox/reach.h"

#include <netdb.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <cstring>
#include <memory>

namespace novacron::host::sandbox {
namespace {

namespace ip = boost::asio::ip;

constexpr std::string_view kLoopback = "loopback";
constexpr std::string_view kNameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
/// Addresses that stand for names: of the range for benchmarks (RFC 2544), and of the one whose packets are to be
/// discarded (RFC 6666).
constexpr uint32_t kFirstStandIn = 0xC6120001;  // 198.18.0.1
constexpr std::string_view kStandInPrefix6 = "100::";

/// An IPv4 address in IPv6's clothes is that address.
ip::address plain(const ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address;
}

struct Parsed {
  ip::address address;
  uint16_t port = 0;
};

std::optional<Parsed> parsed(const SocketAddress& of) {
  if (of.storage.ss_family == AF_INET && of.size >= sizeof(sockaddr_in)) {
    sockaddr_in in{};
    std::memcpy(&in, &of.storage, sizeof(in));
    return Parsed{ip::address_v4(ntohl(in.sin_addr.s_addr)), ntohs(in.sin_port)};
  }
  if (of.storage.ss_family == AF_INET6 && of.size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in{};
    std::memcpy(&in, &of.storage, sizeof(in));
    ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    return Parsed{plain(ip::address_v6(bytes)), ntohs(in.sin6_port)};
  }
  return std::nullopt;
}

Error not_a_permission(std::string_view text, const char* why) {
  return {Code::kInvalidArgument, "network permission \"" + std::string(text) + "\": " + why, "sandbox.network"};
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxHostBytes &&
         text.find_first_not_of(kNameLetters) == std::string_view::npos;
}

std::optional<uint16_t> port_of(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

std::string stand_in(size_t index) {
  return ip::address_v4(kFirstStandIn + static_cast<uint32_t>(index)).to_string();
}

std::string stand_in6(size_t index) {
  std::string text(kStandInPrefix6);
  std::array<char, 8> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), index + 1, 16).ptr;
  return text.append(digits.data(), end);
}

}  // namespace

Result<Reach> Reach::parse(std::string_view permission) {
  Reach reach;
  while (true) {
    const size_t comma = permission.find(',');
    TRY_STATUS(reach.add(permission.substr(0, comma)));
    if (comma == std::string_view::npos) return reach;
    permission.remove_prefix(comma + 1);
  }
}

Status Reach::add(std::string_view text) {
  if (text == kLoopback) return loopback_ = true, Status();
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return not_a_permission(text, "must be none, all, loopback or host:port");
  const auto port = port_of(text.substr(colon + 1));
  if (!port) return not_a_permission(text, "the port must be a number from 1 to 65535");
  if (destinations_.size() >= kMaxDestinations) return not_a_permission(text, "there may be 64 of them at most");
  std::string_view host = text.substr(0, colon);
  const bool in_brackets = host.starts_with('[') && host.ends_with(']');
  if (in_brackets) host = host.substr(1, host.size() - 2);
  boost::system::error_code failed;
  const auto address = ip::make_address(std::string(host), failed);
  if (!failed && address.is_v6() == in_brackets) {
    destinations_.push_back({"", plain(address).to_string(), *port});
    return {};
  }
  if (in_brackets || !is_name(host)) return not_a_permission(text, "the host must be a name or an address");
  destinations_.push_back({std::string(host), "", *port});
  if (std::find(names_.begin(), names_.end(), host) == names_.end()) names_.emplace_back(host);
  return {};
}

std::optional<size_t> Reach::index_of(const std::string& address) const {
  for (size_t i = 0; i < names_.size(); ++i) {
    if (address == stand_in(i) || address == stand_in6(i)) return i;
  }
  return std::nullopt;
}

std::optional<Reach::Target> Reach::target(const SocketAddress& asked) const {
  const auto to = parsed(asked);
  if (!to) return std::nullopt;
  if (loopback_ && to->address.is_loopback()) return Target{"", to->port};
  const std::string address = to->address.to_string();
  const auto index = index_of(address);
  const std::string name = index ? names_[*index] : "";
  for (const Destination& one : destinations_) {
    if (one.port != to->port) continue;
    if (index ? one.name == name : one.name.empty() && one.address == address) return Target{name, one.port};
  }
  return std::nullopt;
}

std::string Reach::hosts_file() const {
  const bool is_own = std::find(names_.begin(), names_.end(), "localhost") == names_.end();
  std::string text = is_own ? "127.0.0.1 localhost\n::1 localhost\n" : "";
  for (size_t i = 0; i < names_.size(); ++i) {
    text += stand_in(i) + ' ' + names_[i] + '\n';
    text += stand_in6(i) + ' ' + names_[i] + '\n';
  }
  return text;
}

std::string text_of(const SocketAddress& address) {
  const auto to = parsed(address);
  if (!to) return "an address of another kind";
  const std::string text = to->address.to_string();
  return (to->address.is_v6() ? '[' + text + ']' : text) + ':' + std::to_string(to->port);
}

std::vector<SocketAddress> addresses_of(const Reach::Target& target, int family) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | AI_V4MAPPED;
  addrinfo* found = nullptr;
  if (::getaddrinfo(target.name.c_str(), std::to_string(target.port).c_str(), &hints, &found) != 0) return {};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, ::freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next) {
    SocketAddress address;
    address.size = one->ai_addrlen;
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    addresses.push_back(address);
  }
  return addresses;
}

}  // namespace novacron::host::sandbox
