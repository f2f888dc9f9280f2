// Where a plugin may connect to: a network permission that names it.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"

namespace novacron::host::sandbox {

constexpr size_t kMaxDestinations = 64;
constexpr size_t kMaxHostBytes = 253;

/// As a call of connect() has it, and as it gives it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// A plugin does not see the names' addresses: in its /etc/hosts each name has one of its own, which leads nowhere, and
/// stands for the name when the plugin connects there. So no query leaves the sandbox, and a name may move.
class Reach final {
 public:
  /// "loopback" and "host:port", any of them, with commas; a host is a name, an IPv4 address, or an IPv6 address in
  /// brackets. INVALID_ARGUMENT "sandbox.network" says what of it is none.
  static Result<Reach> parse(std::string_view permission);

  /// What a connection to that address is to: an address as it was granted, or a name.
  struct Target {
    std::string name;  ///< empty: the address itself
    uint16_t port = 0;
  };
  /// None: it was not granted.
  std::optional<Target> target(const SocketAddress& asked) const;

  /// The content of the plugin's /etc/hosts.
  std::string hosts_file() const;

 private:
  struct Destination {
    std::string name;     ///< empty: `address`
    std::string address;  ///< as IPv4 where it can be
    uint16_t port = 0;
  };
  /// Which of names_ an address stands for.
  std::optional<size_t> index_of(const std::string& address) const;

  Status add(std::string_view text);
  bool loopback_ = false;
  std::vector<Destination> destinations_;
  std::vector<std::string> names_;
};

/// "192.0.2.1:443", "[2001:db8::1]:443"; for words to people.
std::string text_of(const SocketAddress& address);

/// [worker] Asks the machine's resolver, which may take seconds. The addresses of a name that fit a socket of the
/// family, AF_INET or AF_INET6; empty: there are none now.
std::vector<SocketAddress> addresses_of(const Reach::Target& target, int family);

}  // namespace novacron::host::sandbox
