#include "host/contract/moment.h"

#include <algorithm>

#include "host/contract/units.h"

namespace novacron::host::contract {

namespace {
constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr std::string_view kNow = "now";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<uint64_t> relative_ns(std::string_view offset, uint64_t now_ns) {
  if (offset.empty()) return now_ns;
  const bool earlier = offset.front() == '-';
  if (!earlier && offset.front() != '+') return std::nullopt;
  const auto distance_ns = parse_with_unit(Unit::kDuration, trimmed(offset.substr(1)));
  if (!distance_ns.ok()) return std::nullopt;
  if (earlier) return now_ns - std::min(now_ns, *distance_ns);
  uint64_t later_ns = 0;
  return __builtin_add_overflow(now_ns, *distance_ns, &later_ns) ? UINT64_MAX : later_ns;
}
}  // namespace

std::optional<SecondsAndNanos> parse_moment(std::string_view text, uint64_t now_ns) {
  text = trimmed(text);
  if (!text.starts_with(kNow)) return parse_timestamp(text);
  const auto moment_ns = relative_ns(trimmed(text.substr(kNow.size())), now_ns);
  if (!moment_ns) return std::nullopt;
  return SecondsAndNanos{static_cast<int64_t>(*moment_ns / kNsPerSecond),
                         static_cast<int32_t>(*moment_ns % kNsPerSecond)};
}

}  // namespace novacron::host::contract
