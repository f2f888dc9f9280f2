// Page tokens of lists: where the next page goes on. A token is opaque to clients and good for the query that it came
// from, nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "host/base/result.h"

namespace novacron::host::resource {

struct PageToken {
  uint64_t revision = 0;  ///< of all pages
  std::string query;      ///< names it; without spaces
  std::string last_key;   ///< in the state, of the last object of the page before
  uint64_t now_ns = 0;    ///< the time of the first page
};

std::string format_page_token(const PageToken& token);
/// INVALID_ARGUMENT "resource.page-token" for what is none of this query, whose keys begin with `prefix`.
Result<PageToken> parse_page_token(std::string_view text, const std::string& query, const std::string& prefix);
Error wrong_page_token();

}  // namespace novacron::host::resource
