// A part of an object's JSON, by the paths of its fields: "metadata.name,spec.disks.size_bytes".
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/contract/types.h"

namespace novacron::host::contract {

inline constexpr size_t kMaxMaskPaths = 64;

class FieldMask {
 public:
  /// Paths joined by commas, from `object` on. One that goes through a list or a map means that field of each item.
  /// INVALID_ARGUMENT "field.invalid" for a path that is not there.
  static Result<FieldMask> parse(const MessageType& object, std::string_view text);

  /// Removes from `value` what the mask does not have. The "kind" of an object stays.
  void keep(nlohmann::json& value) const;
  /// Makes the fields of the mask in `to` what they are in `from`, absent where they are absent. A list or map is
  /// taken as a whole: INVALID_ARGUMENT "field.invalid" for a mask that goes through one.
  Status copy(const nlohmann::json& from, nlohmann::json& to) const;

 private:
  Status add(const MessageType& object, std::string_view path);
  void keep_members(nlohmann::json& object) const;

  std::map<std::string, FieldMask, std::less<>> parts_;  ///< empty: all of it
  bool repeated_ = false;                                ///< it is a list or a map: the parts are those of each item
};

}  // namespace novacron::host::contract
