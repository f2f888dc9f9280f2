#include "host/auth/authenticator.h"

#include <sys/socket.h>

#include <cerrno>

#include "host/auth/roles.h"
#include "host/base/log.h"

namespace novacron::host::auth {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr const char* kUserPrefix = "user:";
constexpr size_t kMaxUserBytes = 63;

bool is_user_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxUserBytes &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._@") == std::string_view::npos;
}

Status check(const TokenRequest& request) {
  Error error{Code::kInvalidArgument, "the request for a token is not valid", "field.invalid"};
  if (!is_user_name(request.user)) error.fields.push_back({"user", "1 to 63 of a-z, 0-9, '-', '.', '_' and '@'"});
  if (request.role != kAdminRole && request.role != kViewerRole)
    error.fields.push_back({"role", "\"admin\" or \"viewer\""});
  if (!error.fields.empty()) return error;
  return {};
}

}  // namespace

Result<uid_t> peer_uid(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return errno_error("ask who is at the other end of a socket", errno);
  return credentials.uid;
}

Authenticator::Authenticator(Options options) : options_(std::move(options)), failures_(options_.clock) {}

bool Authenticator::is_local_administrator(const Peer& peer) const {
  return peer.uid && (*peer.uid == 0 || *peer.uid == options_.own_uid);
}

Result<Identity> Authenticator::authenticate(const Peer& peer, std::string_view authorization) const {
  if (authorization.empty()) {
    if (is_local_administrator(peer))
      return Identity{"local:" + std::to_string(*peer.uid), "", {std::string(kAdminRole)}};
    return Error{Code::kUnauthenticated,
                 "a bearer token is required: exchange a credential for one at POST /v1/auth/token", "auth.required"};
  }
  if (!authorization.starts_with(kBearer))
    return Error{Code::kUnauthenticated, "the only scheme of Authorization is Bearer", "auth.scheme"};
  return TRY(options_.tokens.verify(authorization.substr(kBearer.size()))).identity;
}

Status Authenticator::check_credential(const Peer& peer, const std::string& credential) {
  if (credential.empty() && is_local_administrator(peer)) return {};
  if (credential.empty()) return Error{Code::kUnauthenticated, "a credential is required", "auth.required"};
  TRY_STATUS(failures_.admit(peer.address));
  if (!options_.bootstrap.matches(credential)) {
    failures_.failed(peer.address);
    log_warn("auth", "refused a login", {{"peer", peer.address}});
    return Error{Code::kUnauthenticated, "the credential is not valid", "auth.credential"};
  }
  failures_.succeeded(peer.address);
  return {};
}

Result<Token> Authenticator::login(const Peer& peer, const TokenRequest& request) {
  TRY_STATUS(check_credential(peer, request.credential));
  TRY_STATUS(check(request));
  return options_.tokens.issue({kUserPrefix + request.user, request.tenant, {request.role}}, request.lifetime_s);
}

}  // namespace novacron::host::auth
