// Owners for OpenSSL's objects, and its error queue as a message.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

#include "host/base/result.h"

namespace novacron::host::auth {

template <auto function>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    function(object);
  }
};

using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Deleter<X509_free>>;

/// The oldest error of this thread's queue, which is emptied.
Error openssl_error(std::string_view what);

/// A new P-256 key.
Result<KeyPtr> make_key();
Result<std::string> private_pem(const EVP_PKEY& key);
Result<std::string> public_pem(const EVP_PKEY& key);
Result<KeyPtr> read_private_pem(std::string_view pem);

/// Lower-case hex of the SHA-256.
std::string sha256_hex(std::string_view bytes);
std::string to_hex(std::string_view bytes);
/// `size` random bytes.
Result<std::string> random_bytes(size_t size);

}  // namespace novacron::host::auth
