#include "novacron/well_known.h"

#include <limits>

#include "novacron/codec.h"

namespace novacron {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

// Timestamp and Duration are alike on the wire.
void put_time(std::string& out, int64_t seconds, int32_t nanos, const std::string& unknown_fields) {
  codec::put_unless_default<codec::Int64>(out, 1, seconds);
  codec::put_unless_default<codec::Int32>(out, 2, nanos);
  out.append(unknown_fields);
}

template <class Time>
void merge_time(Time& time, std::string_view bytes, int depth_left) {
  codec::Decoder in(bytes, depth_left);
  while (in.next()) {
    switch (in.key()) {
      case codec::varint(1):
        time.seconds = in.read<codec::Int64>();
        break;
      case codec::varint(2):
        time.nanos = in.read<codec::Int32>();
        break;
      default:
        in.keep(time.unknown_fields);
    }
  }
}

}  // namespace

Timestamp Timestamp::from_ns(uint64_t unix_ns) {
  const auto per_second = static_cast<uint64_t>(kNsPerSecond);
  return {.seconds = static_cast<int64_t>(unix_ns / per_second), .nanos = static_cast<int32_t>(unix_ns % per_second)};
}

uint64_t Timestamp::to_ns() const {
  if (seconds < 0) return 0;
  return static_cast<uint64_t>(seconds) * static_cast<uint64_t>(kNsPerSecond) + static_cast<uint64_t>(nanos);
}

void Timestamp::encode_to(std::string& out) const {
  put_time(out, seconds, nanos, unknown_fields);
}
void Timestamp::merge_from(std::string_view bytes, int depth_left) {
  merge_time(*this, bytes, depth_left);
}

Duration Duration::from_ns(int64_t ns) {
  return {.seconds = ns / kNsPerSecond, .nanos = static_cast<int32_t>(ns % kNsPerSecond)};
}

int64_t Duration::to_ns() const {
  int64_t ns = 0;
  if (__builtin_mul_overflow(seconds, kNsPerSecond, &ns) || __builtin_add_overflow(ns, int64_t{nanos}, &ns)) {
    return seconds < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
  }
  return ns;
}

void Duration::encode_to(std::string& out) const {
  put_time(out, seconds, nanos, unknown_fields);
}
void Duration::merge_from(std::string_view bytes, int depth_left) {
  merge_time(*this, bytes, depth_left);
}

void Empty::encode_to(std::string& out) const {
  out.append(unknown_fields);
}

void Empty::merge_from(std::string_view bytes, int depth_left) {
  codec::Decoder in(bytes, depth_left);
  while (in.next()) in.keep(unknown_fields);
}

void FieldMask::encode_to(std::string& out) const {
  codec::put_each<codec::Text>(out, 1, paths);
  out.append(unknown_fields);
}

void FieldMask::merge_from(std::string_view bytes, int depth_left) {
  codec::Decoder in(bytes, depth_left);
  while (in.next()) {
    if (in.key() == codec::bytes(1)) {
      in.append<codec::Text>(paths);
    } else {
      in.keep(unknown_fields);
    }
  }
}

}  // namespace novacron
