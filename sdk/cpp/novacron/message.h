// What every generated message offers, and the pieces that generated structs are made of. Light: no codec in here.
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "novacron/result.h"

namespace novacron {

/// A message with more levels of messages inside it than this is refused by decode(): protobuf's own limit.
inline constexpr int kMaxMessageDepth = 100;

/// A struct made by protoc-gen-novacron. encode_to() appends; merge_from() adds what `bytes` hold, and throws on
/// malformed input: call encode() and decode() instead.
template <class M>
concept Message = requires(const M& message, M& target, std::string& out, std::string_view bytes) {
  { M::kFullName } -> std::convertible_to<std::string_view>;
  message.encode_to(out);
  target.merge_from(bytes, kMaxMessageDepth);
};

/// Deterministic: equal messages give equal bytes.
template <Message M>
std::string encode(const M& message) {
  std::string out;
  message.encode_to(out);
  return out;
}

/// INVALID_ARGUMENT "message.malformed" when `bytes` are no encoding of M. Fields that M does not know are kept in its
/// unknown_fields, and written back by encode(). Never throws.
template <Message M>
Result<M> decode(std::string_view bytes) {
  try {
    M message;
    message.merge_from(bytes, kMaxMessageDepth);
    return message;
  } catch (const std::exception& error) {
    return Error{.code = Code::kInvalidArgument,
                 .message = std::string(M::kFullName) + ": " + error.what(),
                 .reason = "message.malformed"};
  }
}

/// An optional message that may contain itself: std::optional's interface, the value on the heap.
template <class T>
class Box {
 public:
  Box() = default;
  Box(std::nullopt_t) {}
  Box(const T& value) : value_(std::make_unique<T>(value)) {}
  Box(T&& value) : value_(std::make_unique<T>(std::move(value))) {}
  Box(const Box& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Box(Box&& other) noexcept = default;
  Box& operator=(Box other) noexcept {
    value_.swap(other.value_);
    return *this;
  }

  bool has_value() const { return value_ != nullptr; }
  explicit operator bool() const { return has_value(); }
  T& operator*() { return assert(value_), *value_; }
  const T& operator*() const { return assert(value_), *value_; }
  T* operator->() { return &**this; }
  const T* operator->() const { return &**this; }
  T& emplace() {
    value_ = std::make_unique<T>();
    return *value_;
  }
  void reset() { value_.reset(); }

  friend bool operator==(const Box& a, const Box& b) {
    return a.has_value() == b.has_value() && (!a.has_value() || *a == *b);
  }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace novacron
