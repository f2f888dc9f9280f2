#include "host/api/tracing.h"

#include <algorithm>

#include "host/auth/openssl.h"
#include "host/base/random.h"

namespace novacron::host::api {
namespace {

constexpr size_t kMaxRequestIdBytes = 64;
constexpr size_t kTraceParentBytes = 55;
constexpr size_t kTraceIdAt = 3, kTraceIdBytes = 32;
constexpr size_t kSpanIdAt = 36, kSpanIdBytes = 16;

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_zero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

std::string random_hex(size_t bytes) {
  std::string random(bytes, '\0');
  system_random().fill(random.data(), random.size());
  return auth::to_hex(random);
}

}  // namespace

bool is_trace_parent(std::string_view text) {
  if (text.size() != kTraceParentBytes || !text.starts_with("00-")) return false;
  if (text[kSpanIdAt - 1] != '-' || text[kSpanIdAt + kSpanIdBytes] != '-') return false;
  const auto trace = text.substr(kTraceIdAt, kTraceIdBytes);
  const auto span = text.substr(kSpanIdAt, kSpanIdBytes);
  return is_hex(trace) && is_hex(span) && is_hex(text.substr(kSpanIdAt + kSpanIdBytes + 1)) && !is_zero(trace) &&
         !is_zero(span);
}

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRequestIdBytes &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
             std::string_view::npos;
}

void adopt_trace(Request& request) {
  const auto id = request.headers.get("X-Request-Id");
  request.id = is_request_id(id) ? std::string(id) : random_hex(8);
  const auto parent = request.headers.get("traceparent");
  if (is_trace_parent(parent)) {
    request.trace_parent = parent;
    request.trace_parent.replace(kSpanIdAt, kSpanIdBytes, random_hex(kSpanIdBytes / 2));
  } else {
    request.trace_parent = "00-" + random_hex(kTraceIdBytes / 2) + "-" + random_hex(kSpanIdBytes / 2) + "-01";
  }
}

}  // namespace novacron::host::api
