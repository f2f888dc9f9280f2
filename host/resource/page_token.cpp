#include "host/resource/page_token.h"

#include <charconv>

#include "host/contract/base64.h"

namespace novacron::host::resource {

Error wrong_page_token() {
  return {Code::kInvalidArgument, "this page token is not of this list", "resource.page-token"};
}

std::string format_page_token(const PageToken& token) {
  return contract::base64_encode(std::to_string(token.revision) + " " + token.query + " " +
                                 std::to_string(token.now_ns) + " " + token.last_key);
}

Result<PageToken> parse_page_token(std::string_view encoded, const std::string& query, const std::string& prefix) {
  const auto text = contract::base64_decode(encoded);
  if (!text) return wrong_page_token();
  PageToken token;
  const char* end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, token.revision);
  const std::string_view left(rest, static_cast<size_t>(end - rest));
  if (error != std::errc() || token.revision == 0 || !left.starts_with(" " + query + " ")) return wrong_page_token();
  token.query = query;
  const auto [key, no_time] = std::from_chars(left.data() + query.size() + 2, end, token.now_ns);
  if (no_time != std::errc() || key == end || *key != ' ') return wrong_page_token();
  token.last_key = std::string(key + 1, end);
  if (!token.last_key.starts_with(prefix)) return wrong_page_token();
  return token;
}

}  // namespace novacron::host::resource
