// What a field is in C++: its member, and the codec's trait for its values.
#pragma once

#include <string>

#include "sdk/codegen/descriptor_fwd.h"

namespace novacron::codegen {

enum class Shape {
  kPlain,        ///< a scalar without presence
  kOptional,     ///< a scalar with presence
  kMessage,      ///< std::optional or Box
  kPacked,       ///< a list, written as one field
  kList,         ///< a list, written item by item
  kMap,          ///< std::map
  kAlternative,  ///< a member of a oneof
};

Shape shape_of(const google::protobuf::FieldDescriptor* field);
/// Of one value: "uint32_t", "::novacron::Timestamp".
std::string value_type(const google::protobuf::FieldDescriptor* field);
/// Of the struct's member: "std::vector<uint32_t>".
std::string member_type(const google::protobuf::FieldDescriptor* field);
/// "0", "PowerState::kUnspecified", "{}".
std::string member_default(const google::protobuf::FieldDescriptor* field);
/// "codec::Uint32", "codec::Enum<…>", "codec::Nested<…>".
std::string trait(const google::protobuf::FieldDescriptor* field);
/// The codec's function for the key of one value: "varint", "bytes".
std::string wire(const google::protobuf::FieldDescriptor* field);
/// As an alternative of a std::variant.
std::string alternative_type(const google::protobuf::FieldDescriptor* field);
/// Of an alternative: the constant with its index in the std::variant, "kPut".
std::string alternative_name(const google::protobuf::FieldDescriptor* field);

}  // namespace novacron::codegen
