#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "host/contract/base64.h"
#include "host/contract/free_form.h"
#include "host/contract/json.h"
#include "host/contract/json_encode.h"
#include "host/contract/json_text.h"
#include "host/contract/json_well_known.h"
#include "host/contract/message.h"
#include "host/contract/time_text.h"

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;

template <class Number>
std::string floating_text(Number number) {
  if (std::isnan(number)) return "\"NaN\"";
  if (std::isinf(number)) return number < 0 ? "\"-Infinity\"" : "\"Infinity\"";
  if (number == 0 && std::signbit(number)) return "-0.0";  // "-0" would be read as an integer, which has no sign
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, number);
  return error == std::errc() ? std::string(buffer, end) : "0";
}

SecondsAndNanos time_of(const pb::Message& message) {
  const auto& descriptor = *message.GetDescriptor();
  return {read_scalar(message, *descriptor.FindFieldByNumber(1)).integer,
          static_cast<int32_t>(read_scalar(message, *descriptor.FindFieldByNumber(2)).integer)};
}

std::string paths_of(const pb::Message& message) {
  const auto& paths = *message.GetDescriptor()->FindFieldByNumber(1);
  std::string out;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, &paths); ++i) {
    out += (i == 0 ? "" : ",") + read_scalar(message, paths, i).text;
  }
  return out;
}
}  // namespace

void JsonWriter::begin(char bracket) {
  out_ += bracket;
  ++depth_;
  empty_ = true;
}

void JsonWriter::end(char bracket) {
  --depth_;
  if (!empty_) line();
  out_ += bracket;
  empty_ = false;
}

void JsonWriter::item() {
  if (!empty_) out_ += ',';
  line();
  empty_ = false;
}

void JsonWriter::line() {
  if (options_.layout == Layout::kCompact) return;
  out_ += '\n';
  out_.append(depth_ * 2, ' ');
}

void JsonWriter::name(std::string_view name) {
  item();
  append_json_string(out_, name);
  out_ += options_.layout == Layout::kCompact ? ":" : ": ";
}

void JsonWriter::text(std::string_view text) {
  append_json_string(out_, text);
}

void JsonWriter::message(const MessageType& type, const pb::Message& message) {
  begin('{');
  members(type, message);
  end('}');
}

void JsonWriter::members(const MessageType& type, const pb::Message& message) {
  for (const auto& field : type.fields) {
    if (!is_present(message, *field.descriptor)) continue;
    name(field.name);
    this->field(field, message);
  }
}

void JsonWriter::field(const Field& field, const pb::Message& message) {
  if (field.cardinality == Cardinality::kMap) return map(field, message);
  if (field.cardinality == Cardinality::kSingle) return value(field, *field.descriptor, message, -1);
  begin('[');
  const int size = message.GetReflection()->FieldSize(message, field.descriptor);
  for (int i = 0; i < size; ++i) {
    item();
    value(field, *field.descriptor, message, i);
  }
  end(']');
}

void JsonWriter::map(const Field& field, const pb::Message& message) {
  const auto& reflection = *message.GetReflection();
  const auto& entry_type = *field.descriptor->message_type();
  std::vector<std::pair<std::string, const pb::Message*>> entries;
  for (int i = 0; i < reflection.FieldSize(message, field.descriptor); ++i) {
    const auto& entry = reflection.GetRepeatedMessage(message, field.descriptor, i);
    entries.emplace_back(scalar_text(field.map_key, read_scalar(entry, *entry_type.map_key())), &entry);
  }
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  begin('{');
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto& [key, entry] = entries[i];
    if (i + 1 < entries.size() && entries[i + 1].first == key) continue;  // the last of a key counts, as in protobuf
    name(key);
    value(field, *entry_type.map_value(), *entry, -1);
  }
  end('}');
}

void JsonWriter::value(const Field& field, const pb::FieldDescriptor& slot, const pb::Message& owner, int index) {
  if (slot.cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) return scalar(field, slot, owner, index);
  const auto& reflection = *owner.GetReflection();
  const auto& child =
      index < 0 ? reflection.GetMessage(owner, &slot) : reflection.GetRepeatedMessage(owner, &slot, index);
  message_value(field.message ? *field.message : *field.special, child);
}

void JsonWriter::message_value(const MessageType& type, const pb::Message& message) {
  switch (type.json) {
    case FieldType::kTimestamp:
      return text(format_timestamp(time_of(message)));
    case FieldType::kDuration:
      return text(format_duration_seconds(time_of(message)));
    case FieldType::kFieldMask:
      return text(paths_of(message));
    case FieldType::kWrapper:
      return scalar(type.fields.front(), *type.fields.front().descriptor, message, -1);
    case FieldType::kStruct:
      return structure(message);
    case FieldType::kListValue:
      return list_value(message);
    case FieldType::kValue:
      return json_value(message);
    case FieldType::kAny:
      return any(type, message);
    default:
      return this->message(type, message);
  }
}

void JsonWriter::structure(const pb::Message& message) {
  begin('{');
  for (const auto& [member, value] : members_of(message)) {
    name(member);
    json_value(*value);
  }
  end('}');
}

void JsonWriter::list_value(const pb::Message& message) {
  begin('[');
  for (const auto* value : items_of(message)) {
    item();
    json_value(*value);
  }
  end(']');
}

void JsonWriter::json_value(const pb::Message& message) {
  const JsonKind kind = kind_of(message);
  if (kind == JsonKind::kNone || kind == JsonKind::kNull) return append("null");
  const auto& slot = slot_of(message, kind);
  if (kind == JsonKind::kObject) return structure(message.GetReflection()->GetMessage(message, &slot));
  if (kind == JsonKind::kList) return list_value(message.GetReflection()->GetMessage(message, &slot));
  const Scalar scalar = read_scalar(message, slot);
  if (kind == JsonKind::kText) return text(scalar.text);
  append(kind == JsonKind::kNumber ? floating_text(scalar.number) : scalar.flag ? "true" : "false");
}

/// What it holds is shown as bytes when its type is gone, so that an object can be read in any case.
void JsonWriter::any(const MessageType& type, const pb::Message& message) {
  const std::string url = read_scalar(message, *message.GetDescriptor()->FindFieldByNumber(1)).text;
  const std::string bytes = read_scalar(message, *message.GetDescriptor()->FindFieldByNumber(2)).text;
  begin('{');
  const bool is_empty = url.empty() && bytes.empty();
  const MessageType* held = depth_ <= kMaxJsonDepth ? type_in_any(type, url) : nullptr;
  const auto content = held ? parse_message(*held, bytes) : Error{Code::kNotFound, url};
  if (!is_empty) {
    name("@type");
    text(url);
  }
  if (content.ok() && held->json == FieldType::kMessage) {
    members(*held, **content);
  } else if (content.ok()) {
    name("value");
    message_value(*held, **content);
  } else if (!is_empty) {
    name("@bytes");
    text(base64_encode(bytes));
  }
  end('}');
}

void JsonWriter::scalar(const Field& field, const pb::FieldDescriptor& slot, const pb::Message& owner, int index) {
  const Scalar scalar = read_scalar(owner, slot, index);
  switch (field.type) {
    case FieldType::kString:
    case FieldType::kBytes:
      if (field.secret && options_.secrets == Secrets::kMask && !scalar.text.empty()) return text(kSecretMask);
      return text(field.type == FieldType::kBytes ? base64_encode(scalar.text) : scalar.text);
    case FieldType::kEnum:
      return enum_value(*field.enumeration, static_cast<int32_t>(scalar.integer));
    case FieldType::kFloat:
      out_ += floating_text(static_cast<float>(scalar.number));
      return;
    case FieldType::kDouble:
      out_ += floating_text(scalar.number);
      return;
    case FieldType::kNull:
      return append("null");
    default:
      out_ += scalar_text(field.type, scalar);
  }
}

/// A number that this schema has no name for stays a number.
void JsonWriter::enum_value(const EnumType& type, int32_t number) {
  const auto known = std::find_if(type.values.begin(), type.values.end(),
                                  [number](const EnumValue& value) { return value.number == number; });
  if (known == type.values.end()) {
    out_ += std::to_string(number);
  } else {
    text(known->name);
  }
}

Result<std::string> message_to_json(const MessageType& type, std::string_view bytes, const EncodeOptions& options) {
  const auto message = TRY(parse_message(type, bytes));
  JsonWriter writer(options);
  writer.message(type, *message);
  return writer.take();
}

}  // namespace novacron::host::contract
