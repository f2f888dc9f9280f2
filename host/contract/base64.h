// Base64 (RFC 4648). Written with the standard alphabet and padding; the URL-safe alphabet and missing padding are
// read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace novacron::host::contract {

std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace novacron::host::contract
