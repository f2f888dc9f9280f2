// In which order a list comes.
//
//   order = key { "," key }
//   key   = path [ "asc" | "desc" ]
//
// A path as a field selector has it, of something that has an order. Objects that are equal in all keys come by tenant
// and name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/contract/field_path.h"

namespace novacron::host::resource {

inline constexpr size_t kMaxOrderKeys = 4;

class Order {
 public:
  /// Empty text: no order. INVALID_ARGUMENT "order.invalid".
  static Result<Order> parse(const contract::MessageType& object, std::string_view text);
  bool empty() const { return keys_.empty(); }

  struct Rank {
    std::vector<contract::Scalar> values;
    std::string state_key;  ///< of the object; no two have the same
  };
  Rank rank_of(const google::protobuf::Message& object, std::string state_key) const;
  bool before(const Rank& a, const Rank& b) const;

 private:
  enum class Direction { kAscending, kDescending };
  struct Key {
    contract::FieldPath path;
    Direction direction = Direction::kAscending;
  };
  static Result<Key> parse_key(const contract::MessageType& object, std::string_view text);
  std::vector<Key> keys_;
};

}  // namespace novacron::host::resource
