// Bearer tokens: JWTs signed with ES256 by a key that never leaves the host.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "host/auth/context.h"
#include "host/base/clock.h"
#include "host/base/result.h"

namespace novacron::host::auth {

inline constexpr uint64_t kDefaultTokenSeconds = 3'600;
inline constexpr uint64_t kMaxTokenSeconds = 24 * 3'600;
inline constexpr size_t kMaxTokenBytes = 4'096;

/// Which tokens are void before their time. [any] thread.
class Revocations {
 public:
  virtual ~Revocations() = default;
  virtual bool revoked(std::string_view token_id) const = 0;
};

struct Token {
  std::string text;
  std::string id;
  uint64_t expires_at_s = 0;  ///< since 1970-01-01 UTC
};

/// What a valid token says.
struct Claims {
  Identity identity;
  std::string id;
  uint64_t expires_at_s = 0;
};

/// Issues tokens and verifies them. [any] thread.
class Tokens {
 public:
  struct Options {
    std::string key_file;  ///< PEM, mode 0600; made if absent
    const Clock& clock = system_clock();
    const Revocations* revocations = nullptr;  ///< none: nothing is revoked
  };
  static Result<std::unique_ptr<Tokens>> create(const Options& options);
  ~Tokens();
  Tokens(const Tokens&) = delete;
  Tokens& operator=(const Tokens&) = delete;

  /// INVALID_ARGUMENT "auth.ttl" for 0 or more than kMaxTokenSeconds.
  Result<Token> issue(const Identity& identity, uint64_t lifetime_s) const;
  /// UNAUTHENTICATED "auth.token-invalid", "auth.token-expired" or "auth.token-revoked". Only ES256 with this key's id
  /// is accepted, whatever the token's own header says.
  Result<Claims> verify(std::string_view token) const;

 private:
  struct Key;
  Tokens(const Options& options, std::unique_ptr<Key> key);
  const Clock& clock_;
  const Revocations* revocations_;
  std::unique_ptr<Key> key_;
};

}  // namespace novacron::host::auth
