#include "novacron/codec.h"

#include <array>

namespace novacron::codec {
namespace {

// Length of the well-formed UTF-8 sequence at `at`, 0 if there is none (Unicode 15, table 3-7).
size_t sequence_length(const unsigned char* at, size_t left) {
  const unsigned lead = at[0];
  if (lead < 0x80) return 1;
  const size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 0 || length > left) return 0;
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (at[1] < low || at[1] > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((at[i] & 0xC0U) != 0x80) return 0;
  }
  return length;
}

}  // namespace

void append_varint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80U));
    value >>= 7U;
  }
  out.push_back(static_cast<char>(value));
}

bool is_utf8(std::string_view text) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  size_t left = text.size();
  while (left > 0) {
    const size_t length = sequence_length(at, left);
    if (length == 0) return false;
    at += length;
    left -= length;
  }
  return true;
}

void close_length(std::string& out, size_t start) {
  const uint64_t length = out.size() - start;
  std::array<char, 10> raw{};
  const auto width = static_cast<size_t>(protozero::add_varint_to_buffer(raw.data(), length));
  out[start - 1] = raw[0];
  if (width > 1) out.insert(start, raw.data() + 1, width - 1);
}

std::string Text::read(protozero::pbf_reader& reader) {
  std::string text = reader.get_string();
  if (!is_utf8(text)) throw Malformed("a string is not UTF-8");
  return text;
}

Decoder::Decoder(std::string_view bytes, int depth_left)
    : reader_(bytes.data(), bytes.size()), depth_left_(depth_left) {
  if (depth_left < 0) throw Malformed("messages are nested too deep");
}

void Decoder::check_long_number() const {
  const auto rest = reader_.data();
  const char* at = rest.data();
  if (protozero::decode_varint(&at, rest.data() + rest.size()) > UINT32_MAX)
    throw Malformed("a key or length is too large");
}

void Decoder::keep(std::string& unknown_fields) {
  append_varint(unknown_fields, key());
  const char* const value = reader_.data().data();
  reader_.skip();
  unknown_fields.append(value, reader_.data().data());
}

}  // namespace novacron::codec
