// What is wrong with a request, gathered so that its writer learns all of it at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"

namespace novacron::host::contract {

class Violations {
 public:
  /// Beyond kMaxViolations they are only counted.
  void add(std::string path, std::string message);
  bool empty() const { return count_ == 0; }
  /// OK when empty; else `code` and `reason`, the first violation as the message, all as the fields.
  Status status(Code code, std::string_view reason) const;
  /// INVALID_ARGUMENT "field.invalid".
  Status status() const { return status(Code::kInvalidArgument, "field.invalid"); }

 private:
  std::vector<FieldViolation> kept_;
  size_t count_ = 0;
};

/// "spec" and "arms": "spec.arms"; an empty path: "arms".
std::string join_path(std::string_view path, std::string_view name);
/// "spec.disks" and 1: "spec.disks[1]"
std::string index_path(std::string_view path, size_t index);
/// "metadata.labels" and "app": "metadata.labels["app"]"
std::string key_path(std::string_view path, std::string_view key);

/// The one of `known` that `name` was probably meant to be; empty: none is near.
std::string nearest_name(std::string_view name, const std::vector<std::string_view>& known);

}  // namespace novacron::host::contract
