// The header of W3C Trace Context, and its parts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/trace/span.h"

namespace novacron::host::trace {

/// "00-<32 hex>-<16 hex>-<2 hex>", in lower case, the ids not all zeros. None: it is not that.
std::optional<SpanContext> parse_trace_parent(std::string_view text);
/// Without looking whether it is well formed otherwise.
bool says_sampled(std::string_view trace_parent);
/// Of a context that is recorded.
std::string format_trace_parent(const SpanContext& context);

/// Lower-case hexadecimal.
std::string hex(const uint8_t* bytes, size_t size);

}  // namespace novacron::host::trace
