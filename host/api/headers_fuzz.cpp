// Values of headers that mean something to the host: what is let through is what it is taken for.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "host/api/call.h"
#include "host/api/content_encoding.h"
#include "host/api/feed.h"
#include "host/api/tracing.h"
#include "host/trace/trace_parent.h"

namespace api = novacron::host::api;
namespace trace = novacron::host::trace;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_trace(const std::string& value) {
  const auto parsed = trace::parse_trace_parent(value);
  require(parsed.has_value() == api::is_trace_parent(value));
  if (!parsed) return;
  require(parsed->recorded() == trace::says_sampled(value));
  require(trace::format_trace_parent(*parsed).substr(0, 53) == value.substr(0, 53));
}

void check_if_match(const std::string& value) {
  api::Request request;
  request.headers.add("If-Match", value);
  const auto tag = api::if_match(request);
  if (tag.ok()) require(tag->find('"') == std::string::npos && tag->size() <= value.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string value(reinterpret_cast<const char*>(data), size);
  check_trace(value);
  check_if_match(value);
  api::Request request;
  request.headers.add("If-None-Match", value);
  (void)api::none_match_hits(request, "uid-7");
  (void)api::choose_coding(value);
  if (api::is_request_id(value)) require(!value.empty() && value.size() <= 64 && value.find('\n') == std::string::npos);
  return 0;
}
