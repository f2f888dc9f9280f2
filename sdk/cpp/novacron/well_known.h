// google.protobuf's well-known messages, without protobuf's runtime.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "novacron/message.h"

namespace novacron {

/// google.protobuf.Timestamp: since 1970-01-01 UTC; `nanos` is 0 to 999,999,999 also before it.
struct Timestamp {
  static constexpr std::string_view kFullName = "google.protobuf.Timestamp";
  int64_t seconds = 0;
  int32_t nanos = 0;
  std::string unknown_fields = {};

  static Timestamp from_ns(uint64_t unix_ns);
  /// 0 for a time before 1970.
  uint64_t to_ns() const;

  bool operator==(const Timestamp&) const = default;
  void encode_to(std::string& out) const;
  void merge_from(std::string_view bytes, int depth_left);
};

/// google.protobuf.Duration: `nanos` has the sign of `seconds`.
struct Duration {
  static constexpr std::string_view kFullName = "google.protobuf.Duration";
  int64_t seconds = 0;
  int32_t nanos = 0;
  std::string unknown_fields = {};

  static Duration from_ns(int64_t ns);
  /// The nearest end of the range for what an int64_t cannot hold.
  int64_t to_ns() const;

  bool operator==(const Duration&) const = default;
  void encode_to(std::string& out) const;
  void merge_from(std::string_view bytes, int depth_left);
};

/// google.protobuf.Empty.
struct Empty {
  static constexpr std::string_view kFullName = "google.protobuf.Empty";
  std::string unknown_fields = {};

  bool operator==(const Empty&) const = default;
  void encode_to(std::string& out) const;
  void merge_from(std::string_view bytes, int depth_left);
};

/// google.protobuf.FieldMask: "spec.cpus", in the .proto's spelling.
struct FieldMask {
  static constexpr std::string_view kFullName = "google.protobuf.FieldMask";
  std::vector<std::string> paths = {};
  std::string unknown_fields = {};

  bool operator==(const FieldMask&) const = default;
  void encode_to(std::string& out) const;
  void merge_from(std::string_view bytes, int depth_left);
};

}  // namespace novacron
