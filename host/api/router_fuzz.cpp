// Targets of requests: whatever comes, it is refused or means one thing, within its limits.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/api/router.h"

namespace api = novacron::host::api;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view target(reinterpret_cast<const char*>(data), size);
  const auto uri = api::parse_uri(target);
  if (!uri.ok()) return 0;
  require(uri->segments.size() <= api::kMaxPathSegments);
  for (const auto& segment : uri->segments) {
    require(!segment.empty() && segment != "." && segment != ".." && segment.find('\0') == std::string::npos);
    require(api::percent_decode(api::percent_encode(segment)).value() == segment);
  }
  (void)api::route_of(*uri);
  (void)uri->query.number("limit", 0);
  (void)uri->query.flag("watch");
  (void)uri->query.only({"limit", "watch"});
  return 0;
}
