// Where to resume a stream of events, as clients hold it: "<sequence>-<revision>-<part>". Opaque to them, and of use on
// any node: where the sequence is another bus's, the position in the state counts.
#pragma once

#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/bus/bus.h"

namespace novacron::host::api {

/// INVALID_ARGUMENT "events.cursor".
Result<bus::Cursor> parse_cursor(std::string_view text);
std::string cursor_text(const bus::Cursor& cursor);

}  // namespace novacron::host::api
