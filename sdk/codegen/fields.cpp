#include "sdk/codegen/fields.h"

#include <google/protobuf/descriptor.h>

#include "sdk/codegen/names.h"
#include "sdk/codegen/order.h"

namespace novacron::codegen {
namespace {

namespace pb = google::protobuf;
using Type = pb::FieldDescriptor;

std::string scalar_type(Type::CppType type) {
  switch (type) {
    case Type::CPPTYPE_INT32:
      return "int32_t";
    case Type::CPPTYPE_INT64:
      return "int64_t";
    case Type::CPPTYPE_UINT32:
      return "uint32_t";
    case Type::CPPTYPE_UINT64:
      return "uint64_t";
    case Type::CPPTYPE_DOUBLE:
      return "double";
    case Type::CPPTYPE_FLOAT:
      return "float";
    case Type::CPPTYPE_BOOL:
      return "bool";
    default:
      return "std::string";
  }
}

std::string scalar_trait(Type::Type type) {
  switch (type) {
    case Type::TYPE_DOUBLE:
      return "codec::Double";
    case Type::TYPE_FLOAT:
      return "codec::Float";
    case Type::TYPE_INT64:
      return "codec::Int64";
    case Type::TYPE_UINT64:
      return "codec::Uint64";
    case Type::TYPE_INT32:
      return "codec::Int32";
    case Type::TYPE_FIXED64:
      return "codec::Fixed64";
    case Type::TYPE_FIXED32:
      return "codec::Fixed32";
    case Type::TYPE_BOOL:
      return "codec::Bool";
    case Type::TYPE_STRING:
      return "codec::Text";
    case Type::TYPE_BYTES:
      return "codec::Bytes";
    case Type::TYPE_UINT32:
      return "codec::Uint32";
    case Type::TYPE_SFIXED32:
      return "codec::Sfixed32";
    case Type::TYPE_SFIXED64:
      return "codec::Sfixed64";
    case Type::TYPE_SINT32:
      return "codec::Sint32";
    default:
      return "codec::Sint64";
  }
}

}  // namespace

Shape shape_of(const pb::FieldDescriptor* field) {
  if (field->is_map()) return Shape::kMap;
  if (field->is_repeated()) return field->is_packed() ? Shape::kPacked : Shape::kList;
  if (field->real_containing_oneof() != nullptr) return Shape::kAlternative;
  if (field->message_type() != nullptr) return Shape::kMessage;
  return field->has_presence() ? Shape::kOptional : Shape::kPlain;
}

std::string value_type(const pb::FieldDescriptor* field) {
  if (field->message_type() != nullptr) return type_name(field->message_type());
  if (field->enum_type() != nullptr) return type_name(field->enum_type());
  return scalar_type(field->cpp_type());
}

std::string member_type(const pb::FieldDescriptor* field) {
  switch (shape_of(field)) {
    case Shape::kMap: {
      const pb::Descriptor* entry = field->message_type();
      return "std::map<" + value_type(entry->map_key()) + ", " + value_type(entry->map_value()) + ">";
    }
    case Shape::kPacked:
    case Shape::kList:
      return "std::vector<" + value_type(field) + ">";
    case Shape::kOptional:
      return "std::optional<" + value_type(field) + ">";
    case Shape::kMessage:
      return (is_boxed(field) ? "::novacron::Box<" : "std::optional<") + value_type(field) + ">";
    default:
      return value_type(field);
  }
}

std::string member_default(const pb::FieldDescriptor* field) {
  if (shape_of(field) != Shape::kPlain || field->cpp_type() == Type::CPPTYPE_STRING) return "{}";
  if (field->enum_type() != nullptr)
    return type_name(field->enum_type()) + "::" + constant_name(field->enum_type()->value(0));
  return field->cpp_type() == Type::CPPTYPE_BOOL ? "false" : "0";
}

std::string trait(const pb::FieldDescriptor* field) {
  if (field->message_type() != nullptr) return "codec::Nested<" + type_name(field->message_type()) + ">";
  if (field->enum_type() != nullptr) return "codec::Enum<" + type_name(field->enum_type()) + ">";
  return scalar_trait(field->type());
}

std::string wire(const pb::FieldDescriptor* field) {
  switch (field->type()) {
    case Type::TYPE_FLOAT:
    case Type::TYPE_FIXED32:
    case Type::TYPE_SFIXED32:
      return "fixed32";
    case Type::TYPE_DOUBLE:
    case Type::TYPE_FIXED64:
    case Type::TYPE_SFIXED64:
      return "fixed64";
    case Type::TYPE_STRING:
    case Type::TYPE_BYTES:
    case Type::TYPE_MESSAGE:
      return "bytes";
    default:
      return "varint";
  }
}

std::string alternative_type(const pb::FieldDescriptor* field) {
  return is_boxed(field) ? "::novacron::Box<" + value_type(field) + ">" : value_type(field);
}

std::string alternative_name(const pb::FieldDescriptor* field) {
  return "k" + pascal_case(field->name());
}

}  // namespace novacron::codegen
