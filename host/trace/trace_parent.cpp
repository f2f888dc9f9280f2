#include "host/trace/trace_parent.h"

#include <algorithm>

namespace novacron::host::trace {
namespace {

constexpr size_t kTraceAt = 3, kSpanAt = 36, kFlagsAt = 53, kBytes = 55;
constexpr int kNoDigit = -1;
constexpr int kSampled = 1;

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return kNoDigit;
}

bool read_hex(std::string_view text, uint8_t* out) {
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high == kNoDigit || low == kNoDigit) return false;
    out[i / 2] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

bool is_zero(const auto& id) {
  return std::all_of(id.begin(), id.end(), [](uint8_t byte) { return byte == 0; });
}

}  // namespace

std::optional<SpanContext> parse_trace_parent(std::string_view text) {
  if (text.size() != kBytes || !text.starts_with("00-")) return std::nullopt;
  if (text[kSpanAt - 1] != '-' || text[kFlagsAt - 1] != '-') return std::nullopt;
  SpanContext context;
  uint8_t flags = 0;
  if (!read_hex(text.substr(kTraceAt, 2 * context.trace.size()), context.trace.data()) ||
      !read_hex(text.substr(kSpanAt, 2 * context.span.size()), context.span.data()) ||
      !read_hex(text.substr(kFlagsAt, 2), &flags)) {
    return std::nullopt;
  }
  if (is_zero(context.trace) || is_zero(context.span)) return std::nullopt;
  context.sampling = (flags & kSampled) != 0 ? Sampling::kYes : Sampling::kNo;
  return context;
}

bool says_sampled(std::string_view trace_parent) {
  if (trace_parent.size() != kBytes) return false;
  const int low = digit(trace_parent[kBytes - 1]);
  return low != kNoDigit && (low & kSampled) != 0;
}

std::string format_trace_parent(const SpanContext& context) {
  return "00-" + hex(context.trace.data(), context.trace.size()) + "-" + hex(context.span.data(), context.span.size()) +
         (context.recorded() ? "-01" : "-00");
}

std::string hex(const uint8_t* bytes, size_t size) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * size);
  for (size_t i = 0; i < size; ++i) text += {kDigits[bytes[i] >> 4], kDigits[bytes[i] & 15]};
  return text;
}

}  // namespace novacron::host::trace
