// Semantic versions (semver.org 2.0.0) and ranges of them.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"

namespace novacron::host {

struct Version {
  uint32_t major = 0;
  uint32_t minor = 0;
  uint32_t patch = 0;
  std::string prerelease = {};  ///< "rc.1"; a version that has one is below the one without
  std::string build = {};       ///< carried, never compared

  /// INVALID_ARGUMENT "version.invalid". At most 128 bytes.
  static Result<Version> parse(std::string_view text);
  std::string to_string() const;
};

std::strong_ordering operator<=>(const Version& a, const Version& b);
bool operator==(const Version& a, const Version& b);

/// Comparators that must all hold: ">=1.0.0 <2.0.0". Operators are =, <, <=, >, >= and none (=); "*" is any version.
/// A pre-release is in a range only where a comparator names a pre-release of the same major.minor.patch.
class VersionRange {
 public:
  /// INVALID_ARGUMENT "version.invalid-range".
  static Result<VersionRange> parse(std::string_view text);
  bool contains(const Version& version) const;
  const std::string& to_string() const { return text_; }

 private:
  enum class Operator { kEqual, kLess, kLessEqual, kGreater, kGreaterEqual };
  struct Comparator {
    Operator op;
    Version version;
  };
  static Result<Comparator> parse_comparator(std::string_view word);
  static bool holds(const Comparator& comparator, const Version& version);

  std::string text_ = "*";
  std::vector<Comparator> comparators_;
};

}  // namespace novacron::host
