// Timestamps and durations as JSON writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace novacron::host::contract {

/// As google.protobuf.Timestamp and Duration: for negative durations both are negative or zero.
struct SecondsAndNanos {
  int64_t seconds = 0;
  int32_t nanos = 0;
  bool operator==(const SecondsAndNanos&) const = default;
};

/// RFC 3339, years 1 to 9999, any offset: "2026-01-02T03:04:05.5+02:00".
std::optional<SecondsAndNanos> parse_timestamp(std::string_view text);
/// In UTC with as many digits as are needed; empty when out of range.
std::string format_timestamp(SecondsAndNanos time);

/// "1.5s", "-3s".
std::optional<SecondsAndNanos> parse_duration_seconds(std::string_view text);
std::string format_duration_seconds(SecondsAndNanos duration);

}  // namespace novacron::host::contract
