// Which request this is, for whoever reads logs and traces: X-Request-Id and W3C Trace Context.
#pragma once

#include <string>
#include <string_view>

#include "host/api/http.h"

namespace novacron::host::api {

/// "00-<32 hex>-<16 hex>-<2 hex>", not all zeros.
bool is_trace_parent(std::string_view text);
/// 1 to 64 letters, digits, '-', '_' and '.'.
bool is_request_id(std::string_view text);

/// Sets the request's id and trace parent: the client's own where they are well formed (with a span of ours below it),
/// else new ones.
void adopt_trace(Request& request);

}  // namespace novacron::host::api
