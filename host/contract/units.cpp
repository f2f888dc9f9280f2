#include "host/contract/units.h"

#include <array>
#include <limits>
#include <optional>

namespace novacron::host::contract {

namespace {
struct Suffix {
  std::string_view text;
  uint64_t factor;
};

constexpr uint64_t kKibi = 1024;
constexpr std::array<Suffix, 22> kByteSuffixes = {{
    {"", 1},
    {"B", 1},
    {"K", 1'000},
    {"KB", 1'000},
    {"k", 1'000},
    {"kB", 1'000},
    {"Ki", kKibi},
    {"KiB", kKibi},
    {"M", 1'000'000},
    {"MB", 1'000'000},
    {"Mi", kKibi* kKibi},
    {"MiB", kKibi* kKibi},
    {"G", 1'000'000'000},
    {"GB", 1'000'000'000},
    {"Gi", kKibi* kKibi* kKibi},
    {"GiB", kKibi* kKibi* kKibi},
    {"T", 1'000'000'000'000},
    {"TB", 1'000'000'000'000},
    {"Ti", kKibi* kKibi* kKibi* kKibi},
    {"TiB", kKibi* kKibi* kKibi* kKibi},
    {"P", 1'000'000'000'000'000},
    {"PiB", kKibi* kKibi* kKibi* kKibi* kKibi},
}};
constexpr std::array<Suffix, 8> kDurationSuffixes = {{
    {"ns", 1},
    {"us", 1'000},
    {"µs", 1'000},
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
    {"d", 86'400'000'000'000},
}};
constexpr std::array<Suffix, 2> kCpuSuffixes = {{{"", 1'000}, {"m", 1}}};

constexpr size_t kMaxTextBytes = 64;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// `digits.fraction * factor`, if that is whole and fits.
std::optional<uint64_t> scaled(std::string_view digits, std::string_view fraction, uint64_t factor) {
  __extension__ using Wide = unsigned __int128;
  constexpr Wide kMax = std::numeric_limits<uint64_t>::max();
  Wide whole = 0;
  for (const char c : digits) {
    whole = whole * 10 + static_cast<Wide>(c - '0');
    if (whole > kMax) return std::nullopt;
  }
  Wide parts = 0;
  Wide scale = 1;
  for (const char c : fraction) {
    if (scale > kMax / 10) return std::nullopt;
    parts = parts * 10 + static_cast<Wide>(c - '0');
    scale *= 10;
  }
  if (whole > kMax / factor || parts > std::numeric_limits<Wide>::max() / factor) return std::nullopt;
  if (parts * factor % scale != 0) return std::nullopt;
  const Wide total = whole * factor + parts * factor / scale;
  if (total > kMax) return std::nullopt;
  return static_cast<uint64_t>(total);
}

struct Quantity {
  std::string_view digits;
  std::string_view fraction;
  std::string_view suffix;
};

/// "1.5GiB" off the front of `text`; digits empty: it does not start with a number.
Quantity take_quantity(std::string_view& text) {
  const auto take = [&text](auto&& wanted) {
    size_t length = 0;
    while (length < text.size() && wanted(text[length])) ++length;
    const auto taken = text.substr(0, length);
    text.remove_prefix(length);
    return taken;
  };
  Quantity quantity;
  quantity.digits = take(is_digit);
  if (text.size() > 1 && text[0] == '.' && is_digit(text[1])) {
    text.remove_prefix(1);
    quantity.fraction = take(is_digit);
  }
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  quantity.suffix = take([](char c) { return !is_digit(c) && c != '.' && c != ' '; });
  return quantity;
}

template <size_t n>
std::optional<uint64_t> value_of(const Quantity& quantity, const std::array<Suffix, n>& suffixes) {
  if (quantity.digits.empty()) return std::nullopt;
  for (const auto& suffix : suffixes) {
    if (suffix.text == quantity.suffix) return scaled(quantity.digits, quantity.fraction, suffix.factor);
  }
  return std::nullopt;
}

template <size_t n>
std::optional<uint64_t> parse_one(std::string_view text, const std::array<Suffix, n>& suffixes) {
  const Quantity quantity = take_quantity(text);
  return text.empty() ? value_of(quantity, suffixes) : std::nullopt;
}

/// "1h30m": the sum of its parts.
std::optional<uint64_t> parse_duration(std::string_view text) {
  uint64_t total = 0;
  do {
    const auto part = value_of(take_quantity(text), kDurationSuffixes);
    if (!part || __builtin_add_overflow(total, *part, &total)) return std::nullopt;
  } while (!text.empty());
  return total;
}

std::string_view example(Unit unit) {
  if (unit == Unit::kBytes) return "a whole number of bytes such as 512MiB, 2G or 4096";
  if (unit == Unit::kDuration) return "a duration with its unit, such as 30s or 1h30m";
  return "a number of CPUs such as 2, 0.5 or 500m";
}

std::string format_bytes(uint64_t number) {
  constexpr std::array<Suffix, 5> kBinary = {{{"PiB", kKibi * kKibi * kKibi * kKibi * kKibi},
                                              {"TiB", kKibi * kKibi * kKibi * kKibi},
                                              {"GiB", kKibi * kKibi * kKibi},
                                              {"MiB", kKibi * kKibi},
                                              {"KiB", kKibi}}};
  for (const auto& suffix : kBinary) {
    if (number != 0 && number % suffix.factor == 0) {
      return std::to_string(number / suffix.factor) + std::string(suffix.text);
    }
  }
  return std::to_string(number);
}

std::string format_duration(uint64_t number) {
  constexpr std::array<Suffix, 6> kParts = {{{"h", 3'600'000'000'000},
                                             {"m", 60'000'000'000},
                                             {"s", 1'000'000'000},
                                             {"ms", 1'000'000},
                                             {"us", 1'000},
                                             {"ns", 1}}};
  if (number == 0) return "0s";
  std::string out;
  for (const auto& part : kParts) {
    if (number < part.factor) continue;
    out += std::to_string(number / part.factor) + std::string(part.text);
    number %= part.factor;
  }
  return out;
}
}  // namespace

Result<uint64_t> parse_with_unit(Unit unit, std::string_view text) {
  std::optional<uint64_t> value;
  if (text.size() <= kMaxTextBytes) {
    if (unit == Unit::kBytes) value = parse_one(text, kByteSuffixes);
    if (unit == Unit::kDuration) value = parse_duration(text);
    if (unit == Unit::kCpu) value = parse_one(text, kCpuSuffixes);
  }
  if (value) return *value;
  return Error{Code::kInvalidArgument, "must be " + std::string(example(unit)), "field.invalid"};
}

std::string format_with_unit(Unit unit, uint64_t number) {
  switch (unit) {
    case Unit::kBytes:
      return format_bytes(number);
    case Unit::kDuration:
      return format_duration(number);
    case Unit::kCpu:
      return number % 1'000 == 0 ? std::to_string(number / 1'000) : std::to_string(number) + "m";
    case Unit::kNone:
      break;
  }
  return std::to_string(number);
}

}  // namespace novacron::host::contract
