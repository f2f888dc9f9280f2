// Numbers with units, as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/contract/types.h"

namespace novacron::host::contract {

/// kBytes: "512MiB", "2G" (10^9), "1.5GiB", "4096" → bytes. kDuration: "30s", "1h30m", "1.5s", "250ms" → nanoseconds; a
/// number without a unit is refused. kCpu: "2", "0.5", "500m" → thousandths. Never negative; the result must be whole.
Result<uint64_t> parse_with_unit(Unit unit, std::string_view text);

/// The shortest exact text: "512MiB", "1h30m", "500m".
std::string format_with_unit(Unit unit, uint64_t number);

}  // namespace novacron::host::contract
