#include "host/contract/message.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;
using Descriptor = pb::FieldDescriptor;
}  // namespace

std::string serialize(const pb::Message& message) {
  std::string out;
  {
    pb::io::StringOutputStream stream(&out);
    pb::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializePartialToCodedStream(&coded);
  }
  return out;
}

Result<std::shared_ptr<pb::Message>> parse_message(const MessageType& type, std::string_view bytes, int max_depth) {
  std::shared_ptr<pb::Message> message(type.prototype->New());
  pb::io::CodedInputStream stream(reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(max_depth);
  if (message->ParseFromCodedStream(&stream) && stream.ConsumedEntireMessage()) return message;
  return Error{Code::kDataLoss, "these bytes are no " + type.full_name, "message.corrupt"};
}

Scalar read_scalar(const pb::Message& message, const Descriptor& field, int index) {
  const auto& r = *message.GetReflection();
  const bool one = index < 0;
  Scalar out;
  switch (field.cpp_type()) {
    case Descriptor::CPPTYPE_BOOL:
      out.flag = one ? r.GetBool(message, &field) : r.GetRepeatedBool(message, &field, index);
      break;
    case Descriptor::CPPTYPE_INT32:
      out.integer = one ? r.GetInt32(message, &field) : r.GetRepeatedInt32(message, &field, index);
      break;
    case Descriptor::CPPTYPE_UINT32:
      out.integer = one ? r.GetUInt32(message, &field) : r.GetRepeatedUInt32(message, &field, index);
      break;
    case Descriptor::CPPTYPE_INT64:
      out.integer = one ? r.GetInt64(message, &field) : r.GetRepeatedInt64(message, &field, index);
      break;
    case Descriptor::CPPTYPE_UINT64:
      out.integer =
          static_cast<int64_t>(one ? r.GetUInt64(message, &field) : r.GetRepeatedUInt64(message, &field, index));
      break;
    case Descriptor::CPPTYPE_FLOAT:
      out.number = one ? r.GetFloat(message, &field) : r.GetRepeatedFloat(message, &field, index);
      break;
    case Descriptor::CPPTYPE_DOUBLE:
      out.number = one ? r.GetDouble(message, &field) : r.GetRepeatedDouble(message, &field, index);
      break;
    case Descriptor::CPPTYPE_ENUM:
      out.integer = one ? r.GetEnumValue(message, &field) : r.GetRepeatedEnumValue(message, &field, index);
      break;
    case Descriptor::CPPTYPE_STRING:
      out.text = one ? r.GetString(message, &field) : r.GetRepeatedString(message, &field, index);
      break;
    case Descriptor::CPPTYPE_MESSAGE:
      assert(false && "a message is no scalar");
  }
  return out;
}

void write_scalar(pb::Message& m, const Descriptor& field, const Scalar& scalar, Place place) {
  const auto& r = *m.GetReflection();
  const bool add = place == Place::kAdd;
  switch (field.cpp_type()) {
    case Descriptor::CPPTYPE_BOOL:
      return add ? r.AddBool(&m, &field, scalar.flag) : r.SetBool(&m, &field, scalar.flag);
    case Descriptor::CPPTYPE_INT32: {
      const auto value = static_cast<int32_t>(scalar.integer);
      return add ? r.AddInt32(&m, &field, value) : r.SetInt32(&m, &field, value);
    }
    case Descriptor::CPPTYPE_UINT32: {
      const auto value = static_cast<uint32_t>(scalar.integer);
      return add ? r.AddUInt32(&m, &field, value) : r.SetUInt32(&m, &field, value);
    }
    case Descriptor::CPPTYPE_INT64:
      return add ? r.AddInt64(&m, &field, scalar.integer) : r.SetInt64(&m, &field, scalar.integer);
    case Descriptor::CPPTYPE_UINT64:
      return add ? r.AddUInt64(&m, &field, scalar.bits()) : r.SetUInt64(&m, &field, scalar.bits());
    case Descriptor::CPPTYPE_FLOAT: {
      const auto value = static_cast<float>(scalar.number);
      return add ? r.AddFloat(&m, &field, value) : r.SetFloat(&m, &field, value);
    }
    case Descriptor::CPPTYPE_DOUBLE:
      return add ? r.AddDouble(&m, &field, scalar.number) : r.SetDouble(&m, &field, scalar.number);
    case Descriptor::CPPTYPE_ENUM: {
      const auto value = static_cast<int>(scalar.integer);
      return add ? r.AddEnumValue(&m, &field, value) : r.SetEnumValue(&m, &field, value);
    }
    case Descriptor::CPPTYPE_STRING:
      return add ? r.AddString(&m, &field, scalar.text) : r.SetString(&m, &field, scalar.text);
    case Descriptor::CPPTYPE_MESSAGE:
      assert(false && "a message is no scalar");
  }
}

bool is_present(const pb::Message& message, const Descriptor& field) {
  if (field.is_repeated()) return message.GetReflection()->FieldSize(message, &field) > 0;
  return message.GetReflection()->HasField(message, &field);  // for a field without presence: it is not zero
}

std::string scalar_text(FieldType type, const Scalar& scalar) {
  switch (type) {
    case FieldType::kBool:
      return scalar.flag ? "true" : "false";
    case FieldType::kString:
    case FieldType::kBytes:
      return scalar.text;
    case FieldType::kUint64:
      return std::to_string(scalar.bits());
    case FieldType::kFloat:
    case FieldType::kDouble:
      return std::to_string(scalar.number);
    default:
      return std::to_string(scalar.integer);
  }
}

}  // namespace novacron::host::contract
