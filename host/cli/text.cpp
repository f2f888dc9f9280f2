#include "host/cli/text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace novacron::host::cli {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

// East Asian wide and fullwidth characters and emoji (Unicode 15, by whole blocks).
constexpr std::array<Range, 15> kWide = {{{0x1100, 0x115f},
                                          {0x231a, 0x231b},
                                          {0x23e9, 0x23f3},
                                          {0x2e80, 0x303e},
                                          {0x3041, 0x33ff},
                                          {0x3400, 0x4dbf},
                                          {0x4e00, 0xa4cf},
                                          {0xa960, 0xa97f},
                                          {0xac00, 0xd7a3},
                                          {0xf900, 0xfaff},
                                          {0xfe30, 0xfe6f},
                                          {0xff00, 0xff60},
                                          {0xffe0, 0xffe6},
                                          {0x1f300, 0x1faff},
                                          {0x20000, 0x3fffd}}};
// Combining marks, zero-width characters, variation selectors.
constexpr std::array<Range, 12> kZero = {{{0x0300, 0x036f},
                                          {0x0483, 0x0489},
                                          {0x0591, 0x05bd},
                                          {0x0610, 0x061a},
                                          {0x064b, 0x065f},
                                          {0x0e34, 0x0e3a},
                                          {0x1ab0, 0x1aff},
                                          {0x1dc0, 0x1dff},
                                          {0x200b, 0x200f},
                                          {0x20d0, 0x20ff},
                                          {0xfe00, 0xfe0f},
                                          {0xfe20, 0xfe2f}}};

template <size_t N>
bool within(uint32_t point, const std::array<Range, N>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(), [point](Range r) { return point >= r.first && point <= r.last; });
}

struct Decoded {
  uint32_t point = 0xfffd;
  size_t bytes = 1;
  bool valid = false;
};

/// The first character; overlong forms, surrogates and what is cut off are invalid.
Decoded decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return {};
  uint32_t point = first & (0xffu >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    point = point << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::array<uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xd800 && point <= 0xdfff;
  if (point < kLeast[size] || surrogate || point > 0x10ffff) return {};
  return {point, size, true};
}

/// C0, C1, and the characters that turn the direction of writing.
bool is_control(uint32_t point) {
  return point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0x202a && point <= 0x202e) ||
         (point >= 0x2066 && point <= 0x2069);
}

std::string escaped(uint32_t point) {
  if (point == '\n') return "\\n";
  if (point == '\t') return "\\t";
  if (point == '\r') return "\\r";
  constexpr char kHex[] = "0123456789abcdef";
  if (point > 0xff) {
    return {'\\', 'u', kHex[point >> 12 & 15], kHex[point >> 8 & 15], kHex[point >> 4 & 15], kHex[point & 15]};
  }
  return {'\\', 'x', kHex[point >> 4], kHex[point & 15]};
}

enum class Lines { kOne, kMany };

std::string without_controls(std::string_view text, Lines lines) {
  std::string out;
  while (!text.empty()) {
    const Decoded character = decode(text);
    const bool kept = lines == Lines::kMany && (character.point == '\n' || character.point == '\t');
    if (!character.valid) {
      out += "\xef\xbf\xbd";
    } else if (is_control(character.point) && !kept) {
      out += escaped(character.point);
    } else {
      out.append(text.substr(0, character.bytes));
    }
    text.remove_prefix(character.bytes);
  }
  return out;
}

}  // namespace

size_t text_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const Decoded character = decode(text);
    if (!within(character.point, kZero)) width += within(character.point, kWide) ? 2 : 1;
    text.remove_prefix(character.bytes);
  }
  return width;
}

std::string pad_right(std::string text, size_t width) {
  const size_t has = text_width(text);
  if (has < width) text.append(width - has, ' ');
  return text;
}

std::string wrap_text(std::string_view text, size_t width, size_t indent) {
  std::string out;
  size_t column = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(" \n"), text.size());
    const std::string_view word = text.substr(0, end);
    const size_t word_width = text_width(word);
    if (column > 0 && column + 1 + word_width > width) {
      out += "\n" + std::string(indent, ' ');
      column = 0;
    } else if (column > 0 && !word.empty()) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word_width;
    if (end < text.size() && text[end] == '\n') {
      out += "\n" + std::string(indent, ' ');
      column = 0;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string printable(std::string_view text) {
  return without_controls(text, Lines::kOne);
}

std::string printable_lines(std::string_view text) {
  return without_controls(text, Lines::kMany);
}

}  // namespace novacron::host::cli
