// Values as people and programs write them: what is read is written down the same way again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/base/semver.h"
#include "host/contract/base64.h"
#include "host/contract/time_text.h"
#include "host/contract/units.h"

using namespace novacron::host;
using namespace novacron::host::contract;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_units(std::string_view text) {
  for (const Unit unit : {Unit::kBytes, Unit::kDuration, Unit::kCpu}) {
    const auto number = parse_with_unit(unit, text);
    if (!number.ok()) continue;
    const auto again = parse_with_unit(unit, format_with_unit(unit, *number));
    require(again.ok() && *again == *number);
  }
}

void check_times(std::string_view text) {
  if (const auto time = parse_timestamp(text)) {
    const std::string written = format_timestamp(*time);
    if (!written.empty()) require(parse_timestamp(written) == time);
  }
  if (const auto duration = parse_duration_seconds(text))
    require(parse_duration_seconds(format_duration_seconds(*duration)) == duration);
}

void check_versions(std::string_view text) {
  if (const auto version = Version::parse(text); version.ok()) {
    require(version->to_string() == text);
    require(*version == *version);
  }
  if (const auto range = VersionRange::parse(text); range.ok()) (void)range->contains(Version{1, 2, 3});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_units(text);
  check_times(text);
  check_versions(text);
  if (const auto bytes = base64_decode(text)) require(base64_decode(base64_encode(*bytes)) == bytes);
  require(base64_decode(base64_encode(text)) == text);
  return 0;
}
