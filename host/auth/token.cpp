#include "host/auth/token.h"

#include <jwt.h>

#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "host/auth/openssl.h"
#include "host/base/file.h"

namespace novacron::host::auth {
namespace {

constexpr const char* kIssuer = "novacron";
constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr size_t kMaxKeyBytes = 16 * 1024;

using JwtPtr = std::unique_ptr<jwt_t, Deleter<jwt_free>>;
using TextPtr = std::unique_ptr<char, Deleter<std::free>>;

Error invalid_token(std::string_view why) {
  return {Code::kUnauthenticated, "the token is not valid: " + std::string(why), "auth.token-invalid"};
}

const unsigned char* bytes_of(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string grant(jwt_t* token, const char* name) {
  const char* value = jwt_get_grant(token, name);
  return value != nullptr ? value : "";
}

Result<std::vector<std::string>> roles_of(jwt_t* token) {
  const TextPtr text(jwt_get_grants_json(token, "roles"));
  const auto json = nlohmann::json::parse(text ? text.get() : "[]", nullptr, false);
  if (!json.is_array()) return invalid_token("its roles are no list");
  std::vector<std::string> roles;
  for (const auto& role : json) {
    if (!role.is_string()) return invalid_token("a role is no text");
    roles.push_back(role.get<std::string>());
  }
  return roles;
}

Result<JwtPtr> decode(std::string_view text, const std::string& key) {
  jwt_t* decoded = nullptr;
  const std::string terminated(text);
  const int failure = key.empty()
                          ? jwt_decode(&decoded, terminated.c_str(), nullptr, 0)
                          : jwt_decode(&decoded, terminated.c_str(), bytes_of(key), static_cast<int>(key.size()));
  if (failure != 0) return invalid_token("it cannot be verified");
  return JwtPtr(decoded);
}

/// libjwt verifies with the algorithm that the token's header names, so that has to be pinned before a key is given:
/// else a token "signed" by HMAC with the public key would pass.
Status check_header(std::string_view text, const std::string& key_id) {
  const auto unverified = TRY(decode(text, ""));
  const char* algorithm = jwt_get_header(unverified.get(), "alg");
  if (algorithm == nullptr || jwt_str_alg(algorithm) != JWT_ALG_ES256)
    return invalid_token("its algorithm is not ES256");
  const char* id = jwt_get_header(unverified.get(), "kid");
  if (id == nullptr || id != key_id) return invalid_token("another key signed it");
  return {};
}

}  // namespace

struct Tokens::Key {
  std::string id;
  std::string private_pem;
  std::string public_pem;
};

Tokens::Tokens(const Options& options, std::unique_ptr<Key> key)
    : clock_(options.clock), revocations_(options.revocations), key_(std::move(key)) {}
Tokens::~Tokens() {
  OPENSSL_cleanse(key_->private_pem.data(), key_->private_pem.size());
}

Result<std::unique_ptr<Tokens>> Tokens::create(const Options& options) {
  auto stored = read_file(options.key_file, kMaxKeyBytes);
  if (!stored.ok()) {
    if (stored.code() != Code::kNotFound) return std::move(stored).error();
    const auto made = TRY(make_key());
    stored = TRY(private_pem(*made));
    TRY_STATUS(write_file(options.key_file, *stored, 0600));
  }
  const auto pair = TRY(read_private_pem(*stored));
  auto key = std::make_unique<Key>();
  key->public_pem = TRY(public_pem(*pair));
  key->id = sha256_hex(key->public_pem).substr(0, 16);
  key->private_pem = *std::move(stored);
  return std::unique_ptr<Tokens>(new Tokens(options, std::move(key)));
}

Result<Token> Tokens::issue(const Identity& identity, uint64_t lifetime_s) const {
  if (lifetime_s == 0 || lifetime_s > kMaxTokenSeconds) {
    return Error{Code::kInvalidArgument, "a token lives from 1 to " + std::to_string(kMaxTokenSeconds) + " seconds",
                 "auth.ttl"};
  }
  const uint64_t now_s = clock_.real_ns() / kNsPerSecond;
  Token token{"", to_hex(TRY(random_bytes(16))), now_s + lifetime_s};
  jwt_t* made = nullptr;
  if (jwt_new(&made) != 0) return Error{Code::kInternal, "a token cannot be made", "auth.crypto"};
  const JwtPtr jwt(made);
  const nlohmann::json claims = {{"iss", kIssuer},         {"sub", identity.principal}, {"tenant", identity.tenant},
                                 {"iat", now_s},           {"exp", token.expires_at_s}, {"jti", token.id},
                                 {"roles", identity.roles}};
  const bool filled =
      jwt_add_grants_json(made, claims.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str()) == 0 &&
      jwt_add_header(made, "kid", key_->id.c_str()) == 0 &&
      jwt_set_alg(made, JWT_ALG_ES256, bytes_of(key_->private_pem), static_cast<int>(key_->private_pem.size())) == 0;
  const TextPtr text(filled ? jwt_encode_str(made) : nullptr);
  if (!text) return Error{Code::kInternal, "a token cannot be signed", "auth.crypto"};
  token.text = text.get();
  return token;
}

Result<Claims> Tokens::verify(std::string_view text) const {
  if (text.size() > kMaxTokenBytes) return invalid_token("it is too long");
  if (text.find('\0') != std::string_view::npos) return invalid_token("it holds a zero byte");
  TRY_STATUS(check_header(text, key_->id));
  const auto jwt = TRY(decode(text, key_->public_pem));
  if (grant(jwt.get(), "iss") != kIssuer) return invalid_token("another issuer made it");
  Claims claims{{grant(jwt.get(), "sub"), grant(jwt.get(), "tenant"), TRY(roles_of(jwt.get()))},
                grant(jwt.get(), "jti")};
  const long expires_at_s = jwt_get_grant_int(jwt.get(), "exp");
  if (claims.identity.principal.empty() || claims.id.empty() || expires_at_s <= 0)
    return invalid_token("it lacks a claim");
  claims.expires_at_s = static_cast<uint64_t>(expires_at_s);
  if (clock_.real_ns() / kNsPerSecond >= claims.expires_at_s)
    return Error{Code::kUnauthenticated, "the token has expired: log in again", "auth.token-expired"};
  if (revocations_ != nullptr && revocations_->revoked(claims.id))
    return Error{Code::kUnauthenticated, "the token was revoked: log in again", "auth.token-revoked"};
  return claims;
}

}  // namespace novacron::host::auth
