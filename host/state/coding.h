// Bytes of the log and of snapshots: little-endian fixed numbers, LEB128 varints, strings with their length before
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace novacron::host::state {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the formats on disk are little-endian");

template <class Number>
void store_fixed(char* at, Number value) {
  std::memcpy(at, &value, sizeof value);
}
template <class Number>
Number load_fixed(const char* at) {
  Number value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void byte(uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<uint8_t>(value | 0x80));
    byte(static_cast<uint8_t>(value));
  }
  void bytes(std::string_view value) {
    varint(value.size());
    out_.append(value);
  }

 private:
  std::string& out_;
};

/// Never reads beyond its input: whatever is malformed or missing reads as zero or empty, and ok() is false from then
/// on.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}

  uint8_t byte() {
    if (in_.empty()) return fail(), uint8_t{0};
    const auto value = static_cast<uint8_t>(in_.front());
    in_.remove_prefix(1);
    return value;
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const uint8_t next = byte();
      if (shift == 63 && next > 1) break;
      value |= static_cast<uint64_t>(next & 0x7f) << shift;
      if (next < 0x80) return ok_ ? value : 0;
    }
    return fail(), uint64_t{0};
  }
  std::string_view bytes() {
    const uint64_t size = varint();
    if (size > in_.size()) return fail(), std::string_view();
    const auto value = in_.substr(0, size);
    in_.remove_prefix(size);
    return value;
  }
  /// How many items follow, each of at least one byte: so that a damaged count never makes anybody allocate for it.
  size_t count() {
    const uint64_t value = varint();
    if (value > in_.size()) return fail(), size_t{0};
    return value;
  }

  bool ok() const { return ok_; }
  bool at_end() const { return in_.empty(); }

 private:
  void fail() {
    ok_ = false;
    in_ = {};
  }

  std::string_view in_;
  bool ok_ = true;
};

}  // namespace novacron::host::state
