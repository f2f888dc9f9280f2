#include "host/base/semver.h"

#include <algorithm>
#include <charconv>

namespace novacron::host {
namespace {

constexpr size_t kMaxVersionBytes = 128;
constexpr size_t kMaxRangeBytes = 512;

Error invalid(std::string_view text, std::string_view why) {
  return {Code::kInvalidArgument,
          "\"" + std::string(text.substr(0, kMaxVersionBytes)) + "\" is no version: " + std::string(why),
          "version.invalid"};
}

bool is_identifier(std::string_view part) {
  return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

bool is_number(std::string_view part) {
  return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0;;) {
    const size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

bool are_identifiers(std::string_view dotted) {
  const auto parts = split(dotted, '.');
  return std::all_of(parts.begin(), parts.end(), is_identifier);
}

bool parse_number(std::string_view text, uint32_t& out) {
  if (!is_number(text) || (text.size() > 1 && text[0] == '0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

/// Numbers by value and below words, words by their bytes.
std::strong_ordering compare_identifiers(std::string_view a, std::string_view b) {
  const bool a_number = is_number(a);
  const bool b_number = is_number(b);
  if (a_number != b_number) return a_number ? std::strong_ordering::less : std::strong_ordering::greater;
  if (a_number && a.size() != b.size()) return a.size() <=> b.size();
  return a.compare(b) <=> 0;
}

std::strong_ordering compare_prereleases(const std::string& a, const std::string& b) {
  if (a == b) return std::strong_ordering::equal;
  if (a.empty()) return std::strong_ordering::greater;
  if (b.empty()) return std::strong_ordering::less;
  const auto a_parts = split(a, '.');
  const auto b_parts = split(b, '.');
  for (size_t i = 0; i < std::min(a_parts.size(), b_parts.size()); ++i) {
    const auto order = compare_identifiers(a_parts[i], b_parts[i]);
    if (order != 0) return order;
  }
  return a_parts.size() <=> b_parts.size();
}

}  // namespace

Result<Version> Version::parse(std::string_view text) {
  if (text.size() > kMaxVersionBytes) return invalid(text, "it is longer than 128 bytes");
  Version version;
  std::string_view rest = text;
  if (const size_t plus = rest.find('+'); plus != std::string_view::npos) {
    version.build = rest.substr(plus + 1);
    rest = rest.substr(0, plus);
    if (!are_identifiers(version.build)) return invalid(text, "its build part is malformed");
  }
  if (const size_t dash = rest.find('-'); dash != std::string_view::npos) {
    version.prerelease = rest.substr(dash + 1);
    rest = rest.substr(0, dash);
    if (!are_identifiers(version.prerelease)) return invalid(text, "its pre-release part is malformed");
  }
  const auto numbers = split(rest, '.');
  if (numbers.size() != 3 || !parse_number(numbers[0], version.major) || !parse_number(numbers[1], version.minor) ||
      !parse_number(numbers[2], version.patch)) {
    return invalid(text, "it must be major.minor.patch");
  }
  return version;
}

std::string Version::to_string() const {
  std::string text = std::to_string(major) + '.' + std::to_string(minor) + '.' + std::to_string(patch);
  if (!prerelease.empty()) text += '-' + prerelease;
  if (!build.empty()) text += '+' + build;
  return text;
}

std::strong_ordering operator<=>(const Version& a, const Version& b) {
  if (const auto order = a.major <=> b.major; order != 0) return order;
  if (const auto order = a.minor <=> b.minor; order != 0) return order;
  if (const auto order = a.patch <=> b.patch; order != 0) return order;
  return compare_prereleases(a.prerelease, b.prerelease);
}

bool operator==(const Version& a, const Version& b) {
  return (a <=> b) == 0;
}

Result<VersionRange::Comparator> VersionRange::parse_comparator(std::string_view word) {
  const size_t digits = word.find_first_not_of("<>=");
  const std::string_view symbol = word.substr(0, digits);
  Comparator comparator{};
  if (symbol.empty() || symbol == "=") {
    comparator.op = Operator::kEqual;
  } else if (symbol == "<") {
    comparator.op = Operator::kLess;
  } else if (symbol == "<=") {
    comparator.op = Operator::kLessEqual;
  } else if (symbol == ">") {
    comparator.op = Operator::kGreater;
  } else if (symbol == ">=") {
    comparator.op = Operator::kGreaterEqual;
  } else {
    return Error{Code::kInvalidArgument, "unknown operator " + std::string(symbol), "version.invalid-range"};
  }
  auto version = Version::parse(digits == std::string_view::npos ? std::string_view() : word.substr(digits));
  if (!version.ok()) return Error{Code::kInvalidArgument, version.error().message, "version.invalid-range"};
  comparator.version = std::move(version).value();
  return comparator;
}

Result<VersionRange> VersionRange::parse(std::string_view text) {
  if (text.empty() || text.size() > kMaxRangeBytes) {
    return Error{Code::kInvalidArgument, "a version range has 1 to 512 bytes", "version.invalid-range"};
  }
  VersionRange range;
  range.text_ = text;
  if (text == "*") return range;
  for (const std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    range.comparators_.push_back(TRY(parse_comparator(word)));
  }
  if (range.comparators_.empty())
    return Error{Code::kInvalidArgument, "a version range is empty", "version.invalid-range"};
  return range;
}

bool VersionRange::holds(const Comparator& comparator, const Version& version) {
  const auto order = version <=> comparator.version;
  switch (comparator.op) {
    case Operator::kEqual:
      return order == 0;
    case Operator::kLess:
      return order < 0;
    case Operator::kLessEqual:
      return order <= 0;
    case Operator::kGreater:
      return order > 0;
    case Operator::kGreaterEqual:
      return order >= 0;
  }
  return false;
}

bool VersionRange::contains(const Version& version) const {
  const auto names_it = [&](const Comparator& c) {
    return !c.version.prerelease.empty() && c.version.major == version.major && c.version.minor == version.minor &&
           c.version.patch == version.patch;
  };
  if (!version.prerelease.empty() && std::none_of(comparators_.begin(), comparators_.end(), names_it)) return false;
  return std::all_of(comparators_.begin(), comparators_.end(),
                     [&](const Comparator& comparator) { return holds(comparator, version); });
}

}  // namespace novacron::host
