// Dynamic messages and their single values, whatever their type.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/contract/types.h"

namespace novacron::host::contract {

inline constexpr int kMaxMessageDepth = 60;
inline constexpr int kMaxObjectDepth = kMaxMessageDepth + 1;  ///< of a whole object: its parts are within it

/// With maps in the order of their keys: equal messages give equal bytes.
std::string serialize(const google::protobuf::Message& message);

/// DATA_LOSS "message.corrupt": no such message, or nested deeper than `max_depth`.
Result<std::shared_ptr<google::protobuf::Message>> parse_message(const MessageType& type, std::string_view bytes,
                                                                 int max_depth = kMaxMessageDepth);

/// One value that is no message. Which member holds it follows from the type of its field: integers and enums are in
/// `integer` (as its bits for uint64), text and bytes in `text`.
struct Scalar {
  int64_t integer = 0;
  double number = 0;
  std::string text;
  bool flag = false;

  uint64_t bits() const { return static_cast<uint64_t>(integer); }
  bool operator==(const Scalar&) const = default;
};

/// `index` -1: of a single field.
Scalar read_scalar(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
                   int index = -1);
enum class Place { kSet, kAdd };
void write_scalar(google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
                  const Scalar& scalar, Place place);

/// A single field counts as there when it is set, or not zero where absence cannot be told from zero.
bool is_present(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field);

/// As it would be written in a path or an error: "root", "7".
std::string scalar_text(FieldType type, const Scalar& scalar);

}  // namespace novacron::host::contract
