// What the head of a request must be before anything reads it. Servers and proxies that read one head differently can
// be played against each other (request smuggling), so whatever leaves room for a second reading is refused.
#pragma once

#include <cstddef>
#include <string_view>

#include "host/base/result.h"

namespace novacron::host::api {

/// Finds the end of a head that comes in pieces, and refuses early what can be no head: a bare line feed or carriage
/// return, or more bytes than allowed.
class HeadScan {
 public:
  explicit HeadScan(size_t max_bytes) : max_bytes_(max_bytes) {}
  /// `bytes`: all that has come since the head's first byte. The head's size with its empty line; 0: more is needed.
  /// INVALID_ARGUMENT "http.malformed", "http.headers-too-large".
  Result<size_t> scan(std::string_view bytes);

 private:
  const size_t max_bytes_;
  size_t seen_ = 0;  ///< bytes that need not be looked at again
};

/// Of a whole head, with its empty line: INVALID_ARGUMENT "http.malformed" unless
///   - every line is "name: value" without folding, without a space before the colon, without control characters;
///   - the body's length is said once: by one Content-Length of digits, or by "Transfer-Encoding: chunked" alone and in
///     HTTP/1.1;
///   - there is one Host, as HTTP/1.1 demands.
Status check_head(std::string_view head);

}  // namespace novacron::host::api
