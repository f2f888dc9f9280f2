#include "text.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace novacron::kvm {
namespace {

constexpr size_t kUidLength = 36;
constexpr size_t kLabelMaxLength = 63;
constexpr size_t kDigestHexDigits = 64;

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}
bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

/// The length of the UTF-8 character at the front, 0 if it is malformed, overlong, a surrogate or beyond Unicode.
size_t utf8_length(std::string_view text) {
  const auto byte = [&text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool surrogate = first == 0xed && byte(1) > 0x9f;
  const bool beyond = first == 0xf4 && byte(1) > 0x8f;
  const bool noncharacter = first == 0xef && byte(1) == 0xbf && byte(2) >= 0xbe;  // XML has no U+FFFE and U+FFFF
  return overlong || surrogate || beyond || noncharacter ? 0 : length;
}

/// FNV-1a: spreads well, and never changes between versions of a library.
uint64_t hash(std::string_view text) {
  uint64_t value = 0xcbf29ce484222325u;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return value;
}

}  // namespace

bool is_uid(std::string_view text) {
  if (text.size() != kUidLength) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

bool is_label(std::string_view text) {
  if (text.empty() || text.size() > kLabelMaxLength) return false;
  if (!is_alphanumeric(text.front()) || !is_alphanumeric(text.back())) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return is_alphanumeric(c) || c == '-'; });
}

bool is_digest(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  if (text.size() != kPrefix.size() + kDigestHexDigits || text.substr(0, kPrefix.size()) != kPrefix) return false;
  text.remove_prefix(kPrefix.size());
  return std::all_of(text.begin(), text.end(), is_hex);
}

bool is_plain_text(std::string_view text) {
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text[0]);
    if ((first < 0x20 && first != '\t') || first == 0x7f) return false;
    const size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string last_lines(std::string_view text, size_t max_lines, size_t max_bytes) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n')
      lines.emplace_back();
    else if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f)
      lines.back() += c;
  }
  std::erase_if(lines, [](const std::string& line) { return line.find_first_not_of(' ') == std::string::npos; });
  if (lines.size() > max_lines) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(max_lines));
  std::string out;
  for (const std::string& line : lines) out += (out.empty() ? "" : "\n") + line;
  if (out.size() <= max_bytes) return out;
  size_t cut = out.size() - max_bytes;
  while (cut < out.size() && (static_cast<unsigned char>(out[cut]) & 0xc0) == 0x80) ++cut;  // not inside a character
  return out.substr(cut);
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  size_t at = 0;
  for (size_t found = text.find(from); found != std::string_view::npos; found = text.find(from, at)) {
    out.append(text.substr(at, found - at)).append(to);
    at = found + from.size();
  }
  return out.append(text.substr(at));
}

std::string derived_mac(std::string_view uid, std::string_view card) {
  const uint64_t value = hash(std::string(uid) + "/" + std::string(card));
  char text[18];
  std::snprintf(text, sizeof text, "52:54:00:%02x:%02x:%02x", static_cast<unsigned>(value >> 40 & 0xff),
                static_cast<unsigned>(value >> 24 & 0xff), static_cast<unsigned>(value & 0xff));
  return text;
}

bool is_mac(std::string_view text) {
  if (text.size() != 17) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i % 3 == 2 ? text[i] != ':' : !is_hex(text[i])) return false;
  }
  return std::string_view("02468ace").find(text[1]) != std::string_view::npos;
}

}  // namespace novacron::kvm
