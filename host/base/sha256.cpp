#include "host/base/sha256.h"

#include <openssl/evp.h>

#include <cassert>

namespace novacron::host {

struct Sha256::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(evp); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  const int done = EVP_DigestInit_ex(context_->evp, EVP_sha256(), nullptr);
  assert(done == 1);
}

Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) {
  const int done = EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size());
  assert(done == 1);
}

std::string Sha256::finish_hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  const int done = EVP_DigestFinal_ex(context_->evp, digest, &length);
  assert(done == 1);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(size_t{length} * 2);
  for (unsigned i = 0; i < length; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.finish_hex();
}

}  // namespace novacron::host
