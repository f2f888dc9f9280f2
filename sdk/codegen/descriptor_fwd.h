// protobuf's descriptors, without their headers.
#pragma once

namespace google::protobuf {
class Descriptor;
class EnumDescriptor;
class EnumValueDescriptor;
class FieldDescriptor;
class FileDescriptor;
class MethodDescriptor;
class OneofDescriptor;
class ServiceDescriptor;
namespace io {
class Printer;
}  // namespace io
}  // namespace google::protobuf
