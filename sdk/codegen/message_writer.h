// Writes enums, structs and their codec.
#pragma once

#include "sdk/codegen/descriptor_fwd.h"

namespace novacron::codegen {

void write_enum(const google::protobuf::EnumDescriptor* type, google::protobuf::io::Printer& out);
void write_enum_names(const google::protobuf::EnumDescriptor* type, google::protobuf::io::Printer& out);
void write_struct(const google::protobuf::Descriptor* type, google::protobuf::io::Printer& out);
/// operator==, encode_to() and merge_from().
void write_codec(const google::protobuf::Descriptor* type, google::protobuf::io::Printer& out);

}  // namespace novacron::codegen
