// Page tokens from anybody: what is taken names a place in its own list, and is written so that it reads the same.
#include "host/resource/page_token.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "host/contract/base64.h"
#include "host/resource/keys.h"

using namespace novacron::host;
using namespace novacron::host::resource;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(std::string_view text) {
  static const std::string query = "0123456789abcdef";
  static const std::string prefix = tenant_prefix("shop/Robot", "default");
  const auto token = parse_page_token(text, query, prefix);
  if (!token.ok()) return require(token.error().reason == "resource.page-token");
  require(token->revision != 0 && token->last_key.starts_with(prefix));
  const auto again = parse_page_token(format_page_token(*token), query, prefix);
  require(again.ok() && again->revision == token->revision && again->now_ns == token->now_ns &&
          again->last_key == token->last_key);
  // An ordered list reads the object of the key.
  const auto key = parse_object_key(token->last_key);
  if (key.ok()) require(key->ref.kind == "shop/Robot" && key->ref.tenant == "default");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(text);
  check(contract::base64_encode(text));  // so that what is within is reached
  return 0;
}
