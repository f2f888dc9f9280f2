// One value of an object by its path, "status.phase": how it is found, and how two of them compare.
#pragma once

#include <string_view>
#include <vector>

#include "host/contract/message.h"

namespace novacron::host::contract {

inline constexpr size_t kMaxPathParts = 16;

class FieldPath {
 public:
  /// INVALID_ARGUMENT "field.path": there is no such field, it goes through a list or a map, or it is no single value.
  /// A Timestamp and a Duration are single values.
  static Result<FieldPath> resolve(const MessageType& object, std::string_view path);

  /// The value's field. It lives as long as the type.
  const Field& field() const { return *field_; }
  /// Numbers, texts and times have an order; flags and enums have none.
  bool is_ordered() const;
  bool is_secret() const { return field_->secret; }

  /// An absent value counts as zero.
  Scalar read(const google::protobuf::Message& object) const;
  /// From JSON text. INVALID_ARGUMENT "field.path".
  Result<Scalar> parse(const std::string& json) const;
  /// Below, at or above zero as `a` is less than, equal to or greater than `b`.
  int compare(const Scalar& a, const Scalar& b) const;

 private:
  std::vector<const google::protobuf::FieldDescriptor*> parts_;
  const Field* field_ = nullptr;
  const MessageType* owner_ = nullptr;  ///< that has the field
};

}  // namespace novacron::host::contract
