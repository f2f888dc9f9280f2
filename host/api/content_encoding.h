// Responses made smaller for clients that ask for it.
#pragma once

#include <cstddef>
#include <string_view>

#include "host/api/http.h"

namespace novacron::host::api {

inline constexpr size_t kMinEncodedBytes = 1'024;             ///< less is not worth it
inline constexpr size_t kMaxEncodedBytes = 16 * 1024 * 1024;  ///< more would keep a worker for too long

enum class ContentCoding { kIdentity, kGzip, kZstd };

/// What an Accept-Encoding header asks for (RFC 9110): the coding with the highest weight, zstd before gzip where they
/// are equal. Without the header, and where identity is preferred: identity.
ContentCoding choose_coding(std::string_view accept_encoding);

/// [worker] The response with its body in the coding that the client asks for, when it is text within the limits above.
/// Its ETag becomes a weak one, because the bytes are others. Files and streams stay as they are.
Response encoded(const Request& request, Response response);

}  // namespace novacron::host::api
