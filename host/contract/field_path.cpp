#include "host/contract/field_path.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>

#include "host/contract/json_decode.h"
#include "host/contract/json_text.h"

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;

Error invalid(std::string message) {
  return {Code::kInvalidArgument, std::move(message), "field.path"};
}

bool is_time(const Field& field) {
  return field.type == FieldType::kTimestamp || field.type == FieldType::kDuration;
}

/// Seconds as the integer, the rest as the number.
Scalar read_time(const pb::Message& owner, const pb::FieldDescriptor& slot) {
  const auto& time = owner.GetReflection()->GetMessage(owner, &slot);
  const auto& type = *time.GetDescriptor();
  Scalar scalar;
  scalar.integer = read_scalar(time, *type.FindFieldByName("seconds")).integer;
  scalar.number = static_cast<double>(read_scalar(time, *type.FindFieldByName("nanos")).integer);
  return scalar;
}

Scalar read_value(const Field& field, const pb::Message& owner) {
  return is_time(field) ? read_time(owner, *field.descriptor) : read_scalar(owner, *field.descriptor);
}

template <class T>
int order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}
}  // namespace

Result<FieldPath> FieldPath::resolve(const MessageType& object, std::string_view path) {
  FieldPath out;
  const std::string quoted = "\"" + std::string(path) + "\"";
  const MessageType* type = &object;
  for (std::string_view left = path; true;) {
    const size_t dot = std::min(left.find('.'), left.size());
    out.owner_ = type;
    out.field_ = type ? type->find(left.substr(0, dot)) : nullptr;
    if (!out.field_ || out.parts_.size() >= kMaxPathParts) return invalid("there is no field " + quoted);
    if (out.field_->cardinality != Cardinality::kSingle) return invalid(quoted + " goes through a list or a map");
    out.parts_.push_back(out.field_->descriptor);
    type = out.field_->message;
    if (dot == left.size()) break;
    left.remove_prefix(dot + 1);
  }
  if (out.field_->type == FieldType::kWrapper) {  // its value stands for it
    out.owner_ = out.field_->special;
    out.field_ = &out.owner_->fields.front();
    out.parts_.push_back(out.field_->descriptor);
  }
  const bool is_message = out.field_->descriptor->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE;
  if (is_message && !is_time(*out.field_)) return invalid(quoted + " is no single value");
  return out;
}

bool FieldPath::is_ordered() const {
  return field_->type != FieldType::kBool && field_->type != FieldType::kEnum;
}

Scalar FieldPath::read(const pb::Message& object) const {
  const pb::Message* message = &object;
  for (size_t i = 0; i + 1 < parts_.size(); ++i) message = &message->GetReflection()->GetMessage(*message, parts_[i]);
  return read_value(*field_, *message);
}

Result<Scalar> FieldPath::parse(const std::string& text) const {
  const auto json = parse_json(text);
  if (!json.ok()) return invalid("\"" + text + "\" is no value");
  const std::unique_ptr<pb::Message> holder(owner_->prototype->New());
  Violations violations;
  decode_field(*field_, *json, *holder, field_->name, violations);
  const auto status = violations.status();
  if (!status.ok()) return invalid(status.error().message);
  return read_value(*field_, *holder);
}

int FieldPath::compare(const Scalar& a, const Scalar& b) const {
  switch (field_->descriptor->cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_UINT32:
    case pb::FieldDescriptor::CPPTYPE_UINT64:
      return order(a.bits(), b.bits());
    case pb::FieldDescriptor::CPPTYPE_FLOAT:
    case pb::FieldDescriptor::CPPTYPE_DOUBLE:
      return order(a.number, b.number);
    case pb::FieldDescriptor::CPPTYPE_STRING:
      return order(a.text, b.text);
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      return order(a.flag, b.flag);
    case pb::FieldDescriptor::CPPTYPE_MESSAGE:
      return a.integer == b.integer ? order(a.number, b.number) : order(a.integer, b.integer);
    case pb::FieldDescriptor::CPPTYPE_INT32:
    case pb::FieldDescriptor::CPPTYPE_INT64:
    case pb::FieldDescriptor::CPPTYPE_ENUM:
      return order(a.integer, b.integer);
  }
  return 0;
}

}  // namespace novacron::host::contract
