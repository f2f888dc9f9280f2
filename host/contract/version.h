// Semantic versions of contracts: "1.2.3", without pre-release or build parts.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "host/base/result.h"

namespace novacron::host::contract {

struct Version {
  uint32_t major = 0;
  uint32_t minor = 0;
  uint32_t patch = 0;

  static Result<Version> parse(std::string_view text);
  std::string text() const;
  auto operator<=>(const Version&) const = default;
};

}  // namespace novacron::host::contract
