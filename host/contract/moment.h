// A point in time as people ask for it: "2026-01-31T12:00:00Z", "now", "now-1h30m".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "host/contract/time_text.h"

namespace novacron::host::contract {

/// `now_ns`: since 1970-01-01 UTC. What would lie before 1970 is 1970. None: it is neither a time nor relative to now.
std::optional<SecondsAndNanos> parse_moment(std::string_view text, uint64_t now_ns);

}  // namespace novacron::host::contract
