// In which order the structs of a file are written, and which members must be boxed so that such an order exists.
#pragma once

#include <vector>

#include "sdk/codegen/descriptor_fwd.h"

namespace novacron::codegen {

/// Every message of the file, nested ones too, map entries not: what is held by value comes before its holder.
std::vector<const google::protobuf::Descriptor*> messages_in_order(const google::protobuf::FileDescriptor* file);
std::vector<const google::protobuf::EnumDescriptor*> enums_of(const google::protobuf::FileDescriptor* file);
/// A message field whose type, by way of fields held by value, holds the field's own message again; for one of a oneof
/// lists and maps count too.
bool is_boxed(const google::protobuf::FieldDescriptor* field);

}  // namespace novacron::codegen
