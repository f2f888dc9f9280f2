// Who is at the other end of a connection.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "host/auth/context.h"
#include "host/auth/credential.h"
#include "host/auth/failure_limit.h"
#include "host/auth/token.h"

namespace novacron::host::auth {

/// What the transport knows of a client.
struct Peer {
  std::string address;       ///< "192.0.2.1"; "unix" for the local socket
  std::optional<uid_t> uid;  ///< as the kernel says, for the local socket alone
};

/// The user id of the process at the other end of a Unix socket.
Result<uid_t> peer_uid(int socket);

/// What somebody wants a token for.
struct TokenRequest {
  std::string credential = {};  ///< the bootstrap credential; empty: the local socket's administrator asks
  std::string user = "admin";   ///< the principal is "user:<user>"
  std::string role = "admin";   ///< or "viewer"
  std::string tenant = {};      ///< the only one it may use; empty: all
  uint64_t lifetime_s = kDefaultTokenSeconds;
};

/// [any] thread.
class Authenticator {
 public:
  struct Options {
    const Tokens& tokens;
    BootstrapCredential bootstrap;
    uid_t own_uid;  ///< of the daemon: its user is an administrator on the local socket, as root is
    const Clock& clock = system_clock();
  };
  explicit Authenticator(Options options);

  /// `authorization` is the HTTP header's value; empty: none, which is enough on the local socket for root and for the
  /// daemon's own user. UNAUTHENTICATED "auth.required", "auth.scheme", or as Tokens::verify().
  Result<Identity> authenticate(const Peer& peer, std::string_view authorization) const;

  /// A token for whoever holds the bootstrap credential or sits at the local socket; a token alone gives no further
  /// one, so that none lives on by renewing itself. UNAUTHENTICATED "auth.credential", "auth.required";
  /// RESOURCE_EXHAUSTED "auth.too-many-failures"; INVALID_ARGUMENT "field.invalid", "auth.ttl".
  Result<Token> login(const Peer& peer, const TokenRequest& request);

 private:
  Status check_credential(const Peer& peer, const std::string& credential);
  bool is_local_administrator(const Peer& peer) const;
  const Options options_;
  FailureLimit failures_;
};

}  // namespace novacron::host::auth
