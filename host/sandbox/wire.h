// Values in a frame's payload: little-endian numbers, and texts after their length. Both ends are of one build, so a
// payload says nothing of its own shape; a reader that runs out of bytes is not sound, and gives zeros from then on.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace novacron::host::sandbox {

class Writer final {
 public:
  template <class Number>
  void number(Number value) {
    static_assert(std::is_integral_v<Number>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void text(std::string_view value) {
    number(static_cast<uint32_t>(value.size()));
    bytes_.append(value);
  }
  /// What was written elsewhere.
  void raw(std::string_view bytes) { bytes_.append(bytes); }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// What it gives points into the bytes that it reads.
class Reader final {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <class Number>
  Number number() {
    Number value{};
    const std::string_view bytes = take(sizeof(value));
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof(value));
    return value;
  }
  std::string_view text() { return take(number<uint32_t>()); }
  /// How many items follow, each of at least `min_bytes`, so that a count alone costs no memory.
  uint32_t count(size_t min_bytes) {
    const auto value = number<uint32_t>();
    if (value <= rest_.size() / min_bytes) return value;
    sound_ = false;
    return 0;
  }

  bool sound() const { return sound_; }
  bool at_end() const { return sound_ && rest_.empty(); }

 private:
  std::string_view take(size_t size) {
    if (!sound_ || size > rest_.size()) {
      sound_ = false;
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool sound_ = true;
};

}  // namespace novacron::host::sandbox
