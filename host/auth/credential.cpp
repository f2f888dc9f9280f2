#include "host/auth/credential.h"

#include <openssl/crypto.h>

#include "host/auth/openssl.h"
#include "host/base/file.h"

namespace novacron::host::auth {
namespace {

constexpr size_t kSecretBytes = 32;
constexpr size_t kSaltBytes = 16;
constexpr size_t kHashHexBytes = 64;
constexpr size_t kMaxFileBytes = 1'024;
constexpr std::string_view kSecretPrefix = "nc-";
constexpr std::string_view kFormat = "sha256:";

// One round of SHA-256 is enough here: there is nothing to guess in 256 random bits.
std::string hash_of(std::string_view salt, std::string_view secret) {
  return sha256_hex(std::string(salt) + std::string(secret));
}

}  // namespace

Result<BootstrapCredential::Opened> BootstrapCredential::open(const std::string& file) {
  auto stored = read_file(file, kMaxFileBytes);
  if (stored.ok()) {  // sha256:<salt>:<hash>
    const size_t salt_size = kSaltBytes * 2;
    const std::string& text = *stored;
    const size_t hash_at = kFormat.size() + salt_size + 1;
    if (!text.starts_with(kFormat) || text.size() != hash_at + kHashHexBytes + 1 || text[hash_at - 1] != ':')
      return Error{Code::kDataLoss, file + " holds no credential; remove it to get a new one", "auth.credential-file"};
    return Opened{BootstrapCredential(text.substr(kFormat.size(), salt_size), text.substr(hash_at, kHashHexBytes)), {}};
  }
  if (stored.code() != Code::kNotFound) return std::move(stored).error();
  const std::string secret = std::string(kSecretPrefix) + to_hex(TRY(random_bytes(kSecretBytes)));
  const std::string salt = to_hex(TRY(random_bytes(kSaltBytes)));
  const std::string hash = hash_of(salt, secret);
  TRY_STATUS(write_file(file, std::string(kFormat) + salt + ":" + hash + "\n", 0600));
  return Opened{BootstrapCredential(salt, hash), secret};
}

bool BootstrapCredential::matches(std::string_view secret) const {
  const std::string hash = hash_of(salt_, secret);
  return CRYPTO_memcmp(hash.data(), hash_.data(), kHashHexBytes) == 0;
}

}  // namespace novacron::host::auth
