// How the things of a .proto are called in C++.
#pragma once

#include <string>
#include <string_view>

#include "sdk/codegen/descriptor_fwd.h"

namespace novacron::codegen {

/// "GrantLease" → "grant_lease", "ListVMs" → "list_vms", "HTTPPort" → "http_port".
std::string snake_case(std::string_view camel);
/// "POWER_STATE_RUNNING" → "PowerStateRunning".
std::string pascal_case(std::string_view upper);
/// The name, with "_" behind it where C++ or a generated struct already has it.
std::string member_name(std::string_view name);
/// The virtual function of a method: "Delete" → "delete_".
std::string method_name(const google::protobuf::MethodDescriptor* method);

/// "novacron/compute/v1/compute" of "novacron/compute/v1/compute.proto".
std::string stem_of(const google::protobuf::FileDescriptor* file);
std::string header_path(const google::protobuf::FileDescriptor* file);
/// "novacron::compute::v1".
std::string namespace_of(const google::protobuf::FileDescriptor* file);

/// Nested types live at namespace scope, so that their order is free: "GuestStatus_State". The struct has an alias
/// "State".
std::string flat_name(const google::protobuf::Descriptor* type);
std::string flat_name(const google::protobuf::EnumDescriptor* type);
/// With its namespace: "::novacron::compute::v1::GuestStatus_State"; a well-known type is "::novacron::Timestamp".
std::string type_name(const google::protobuf::Descriptor* type);
std::string type_name(const google::protobuf::EnumDescriptor* type);

/// "kRunning" of POWER_STATE_RUNNING in PowerState; the prefix stays on all values where one of them would clash
/// without.
std::string constant_name(const google::protobuf::EnumValueDescriptor* value);
/// "RUNNING": the value's name as JSON and the CLI have it.
std::string short_value_name(const google::protobuf::EnumValueDescriptor* value);

/// Timestamp, Duration, Empty or FieldMask: written by hand, with functions of their own.
bool is_well_known(const google::protobuf::Descriptor* type);
/// Whether plugins have this type: all but some of google.protobuf.
bool is_supported(const google::protobuf::Descriptor* type);
/// The field itself; of a map: its value's field.
const google::protobuf::FieldDescriptor* value_field(const google::protobuf::FieldDescriptor* field);
/// In the package without its version: "novacron.compute" of "novacron.compute.v1".
std::string group_of(const google::protobuf::FileDescriptor* file);

/// A C++ string literal.
std::string quoted(std::string_view text);

}  // namespace novacron::codegen
