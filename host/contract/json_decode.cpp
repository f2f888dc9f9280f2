#include "host/contract/json_decode.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "host/contract/base64.h"
#include "host/contract/json.h"
#include "host/contract/json_text.h"
#include "host/contract/json_well_known.h"
#include "host/contract/message.h"
#include "host/contract/units.h"

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;
using nlohmann::json;
using Parsed = Result<Scalar>;

Error unfit(std::string message) {
  return {Code::kInvalidArgument, std::move(message), "field.invalid"};
}

struct IntegerBounds {
  int64_t min;
  uint64_t max;
};

IntegerBounds bounds_of(FieldType type) {
  switch (type) {
    case FieldType::kUint32:
      return {0, std::numeric_limits<uint32_t>::max()};
    case FieldType::kInt64:
      return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
    case FieldType::kUint64:
      return {0, std::numeric_limits<uint64_t>::max()};
    default:
      return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
  }
}

Error out_of_bounds(IntegerBounds bounds) {
  return unfit("must be a whole number from " + std::to_string(bounds.min) + " to " + std::to_string(bounds.max));
}

Parsed whole(IntegerBounds bounds, bool negative, uint64_t magnitude) {
  const uint64_t lowest = static_cast<uint64_t>(-(bounds.min + 1)) + (bounds.min < 0 ? 1 : 0);
  if (negative ? (bounds.min == 0 && magnitude != 0) || (bounds.min < 0 && magnitude > lowest)
               : magnitude > bounds.max) {
    return out_of_bounds(bounds);
  }
  Scalar scalar;
  scalar.integer = static_cast<int64_t>(negative ? ~magnitude + 1 : magnitude);
  return scalar;
}

Parsed integer_from_text(const Field& field, const std::string& text) {
  const auto bounds = bounds_of(field.type);
  if (field.unit != Unit::kNone) return whole(bounds, false, TRY(parse_with_unit(field.unit, text)));
  const bool negative = text.starts_with('-');
  uint64_t magnitude = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + (negative ? 1 : 0), end, magnitude);
  if (error != std::errc() || rest != end) return out_of_bounds(bounds);
  return whole(bounds, negative, magnitude);
}

Parsed integer_from_number(const Field& field, const json& value) {
  const auto bounds = bounds_of(field.type);
  if (value.is_number_unsigned()) return whole(bounds, false, value.get<uint64_t>());
  if (value.is_number_integer()) {
    const auto number = value.get<int64_t>();
    const bool negative = number < 0;
    return whole(bounds, negative, negative ? ~static_cast<uint64_t>(number) + 1 : static_cast<uint64_t>(number));
  }
  const double number = value.get<double>();
  constexpr double kExact = 9'007'199'254'740'992;  // 2^53: beyond it a double may stand for several integers
  if (std::trunc(number) != number || std::abs(number) > kExact) return out_of_bounds(bounds);
  return whole(bounds, number < 0, static_cast<uint64_t>(std::abs(number)));
}

Parsed floating(const Field& field, const json& value) {
  Scalar scalar;
  if (value.is_number()) {
    scalar.number = value.get<double>();
    const bool too_large =
        field.type == FieldType::kFloat && std::abs(scalar.number) > std::numeric_limits<float>::max();
    if (too_large) return unfit("is too large for this field");
    return scalar;
  }
  const auto text = value.is_string() ? value.get<std::string>() : std::string();
  if (text == "NaN") {
    scalar.number = std::numeric_limits<double>::quiet_NaN();
  } else if (text == "Infinity" || text == "-Infinity") {
    scalar.number = (text[0] == '-' ? -1 : 1) * std::numeric_limits<double>::infinity();
  } else {
    return unfit("must be a number");
  }
  return scalar;
}

Parsed bytes_from(const Field& field, const json& value) {
  if (!value.is_string()) return unfit("must be bytes in base64");
  Scalar scalar;
  scalar.text = value.get<std::string>();
  if (field.secret && scalar.text == kSecretMask) return scalar;
  auto decoded = base64_decode(scalar.text);
  if (!decoded) return unfit("must be bytes in base64");
  scalar.text = std::move(*decoded);
  return scalar;
}

std::string known_values(const EnumType& type) {
  constexpr size_t kMaxShown = 16;
  std::string out;
  for (size_t i = 0; i < type.values.size() && i < kMaxShown; ++i) {
    if (type.values[i].number == 0 && type.values.size() > 1 && type.values[i].name == "UNSPECIFIED") continue;
    out += (out.empty() ? "" : ", ") + type.values[i].name;
  }
  return out + (type.values.size() > kMaxShown ? ", …" : "");
}

Parsed enum_from(const Field& field, const json& value) {
  if (value.is_number_integer()) {
    Field number = field;
    number.type = FieldType::kInt32;
    return integer_from_number(number, value);
  }
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    for (const auto& known : field.enumeration->values) {
      if (text != known.name && text != known.full_name) continue;
      Scalar scalar;
      scalar.integer = known.number;
      return scalar;
    }
  }
  return unfit("must be one of " + known_values(*field.enumeration));
}

Parsed scalar_from(const Field& field, const json& value) {
  switch (field.type) {
    case FieldType::kBool: {
      if (!value.is_boolean()) return unfit("must be true or false");
      Scalar scalar;
      scalar.flag = value.get<bool>();
      return scalar;
    }
    case FieldType::kInt32:
    case FieldType::kUint32:
    case FieldType::kInt64:
    case FieldType::kUint64:
      if (value.is_number()) return integer_from_number(field, value);
      if (value.is_string()) return integer_from_text(field, value.get<std::string>());
      return out_of_bounds(bounds_of(field.type));
    case FieldType::kFloat:
    case FieldType::kDouble:
      return floating(field, value);
    case FieldType::kString: {
      if (!value.is_string()) return unfit("must be a string");
      Scalar scalar;
      scalar.text = value.get<std::string>();
      return scalar;
    }
    case FieldType::kBytes:
      return bytes_from(field, value);
    case FieldType::kEnum:
      return enum_from(field, value);
    case FieldType::kNull:
      if (value.is_null()) return Scalar();
      return unfit("must be null");
    default:
      return unfit("must be an object");
  }
}

/// Whether null is a value of its own, not absence.
bool takes_null(FieldType type) {
  return type == FieldType::kValue || type == FieldType::kNull;
}

bool is_absent(const Field& field, const json& value) {
  return value.is_null() && (field.cardinality != Cardinality::kSingle || !takes_null(field.type));
}

class FieldDecoder {
 public:
  FieldDecoder(const Field& field, pb::Message& message, Violations& violations, int depth)
      : field_(field),
        message_(message),
        reflection_(*message.GetReflection()),
        violations_(violations),
        depth_(depth + (field.cardinality == Cardinality::kMap ? 2 : 1)) {}

  void single(const json& value, const std::string& path) {
    value_into(*field_.descriptor, value, path, message_, Place::kSet);
  }

  void repeated(const json& value, const std::string& path) {
    if (!value.is_array()) return violations_.add(path, "must be a list");
    for (size_t i = 0; i < value.size(); ++i) {
      value_into(*field_.descriptor, value[i], index_path(path, i), message_, Place::kAdd);
    }
  }

  void map(const json& value, const std::string& path) {
    if (!value.is_object()) return violations_.add(path, "must be an object");
    const auto& entry = *field_.descriptor->message_type();
    Field key = field_;
    key.type = field_.map_key;
    key.unit = Unit::kNone;
    for (const auto& [name, item] : value.items()) {
      const std::string item_path = key_path(path, name);
      const auto parsed = scalar_from(key, key_json(name));
      if (!parsed.ok()) {
        violations_.add(item_path, "the key " + parsed.error().message);
        continue;
      }
      auto& slot = *reflection_.AddMessage(&message_, field_.descriptor);
      write_scalar(slot, *entry.map_key(), *parsed, Place::kSet);
      value_into(*entry.map_value(), item, item_path, slot, Place::kSet);
    }
  }

 private:
  json key_json(const std::string& name) const {
    if (field_.map_key == FieldType::kBool && (name == "true" || name == "false")) return name == "true";
    return name;
  }

  void value_into(const pb::FieldDescriptor& slot, const json& value, const std::string& path, pb::Message& owner,
                  Place place) {
    if (value.is_null() && !takes_null(field_.type)) return violations_.add(path, "must not be null");
    if (slot.cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) {
      const auto scalar = scalar_from(field_, value);
      if (!scalar.ok()) return violations_.add(path, scalar.error().message);
      return write_scalar(owner, slot, *scalar, place);
    }
    const auto& reflection = *owner.GetReflection();
    auto& child =
        place == Place::kAdd ? *reflection.AddMessage(&owner, &slot) : *reflection.MutableMessage(&owner, &slot);
    decode_value(field_.message ? *field_.message : *field_.special, value, child, path, violations_, depth_);
  }

  const Field& field_;
  pb::Message& message_;
  const pb::Reflection& reflection_;
  Violations& violations_;
  const int depth_;  ///< of the messages in the field
};

std::string unknown_field(const MessageType& type, const std::string& name) {
  std::vector<std::string_view> known;
  for (const auto& field : type.fields) known.push_back(field.name);
  const std::string nearest = nearest_name(name, known);
  return nearest.empty() ? "unknown field" : "unknown field; did you mean " + nearest + "?";
}
}  // namespace

void decode_field(const Field& field, const json& value, pb::Message& message, const std::string& path,
                  Violations& violations, int depth) {
  if (is_absent(field, value)) return;
  FieldDecoder decoder(field, message, violations, depth);
  message.GetReflection()->ClearField(&message, field.descriptor);
  if (field.cardinality == Cardinality::kMap) return decoder.map(value, path);
  if (field.cardinality == Cardinality::kRepeated) return decoder.repeated(value, path);
  decoder.single(value, path);
}

void decode_value(const MessageType& type, const json& value, pb::Message& message, const std::string& path,
                  Violations& violations, int depth) {
  if (depth > kMaxMessageDepth) return violations.add(path, "is nested too deep");
  if (type.json == FieldType::kMessage) return decode_message(type, value, message, path, violations, depth);
  decode_well_known(type, value, message, path, violations, depth);
}

void decode_message(const MessageType& type, const json& object, pb::Message& message, std::string_view path,
                    Violations& violations, int depth) {
  if (!object.is_object()) return violations.add(std::string(path), "must be an object");
  std::map<std::string, std::string> oneofs;
  for (const auto& [name, value] : object.items()) {
    const std::string field_path = join_path(path, name);
    const Field* field = type.find(name);
    if (!field) {
      violations.add(field_path, unknown_field(type, name));
      continue;
    }
    if (!field->oneof.empty() && !is_absent(*field, value)) {
      const auto [other, first] = oneofs.emplace(field->oneof, name);
      if (!first) {
        violations.add(field_path, "cannot be set together with " + other->second);
        continue;
      }
    }
    decode_field(*field, value, message, field_path, violations, depth);
  }
}

Result<std::string> json_to_message(const MessageType& type, std::string_view text, std::string_view path) {
  const json object = TRY(parse_json(text));
  const std::unique_ptr<pb::Message> message(type.prototype->New());
  Violations violations;
  decode_message(type, object, *message, path, violations);
  TRY_STATUS(violations.status());
  return serialize(*message);
}

Status check_default(const MessageType& type, const Field& field) {
  const json value = TRY(parse_json(field.rules.default_json));
  const std::unique_ptr<pb::Message> message(type.prototype->New());
  Violations violations;
  decode_field(field, value, *message, "", violations);
  return violations.status();
}

namespace {
Result<std::string> free_form_text(FieldType type, std::string_view text) {
  const auto value = parse_json(text);
  if (!value.ok()) return unfit("is no JSON: " + value.error().message);
  const bool fits =
      type == FieldType::kValue || (type == FieldType::kListValue ? value->is_array() : value->is_object());
  if (!fits) return unfit(type == FieldType::kListValue ? "is no JSON list" : "is no JSON object");
  return std::string(text);
}
}  // namespace

Result<std::string> text_to_json(const Field& field, std::string_view text) {
  if (field.type == FieldType::kWrapper) return text_to_json(field.special->fields.front(), text);
  if (is_free_form(field.type)) return free_form_text(field.type, text);
  json value = std::string(text);
  if (field.type == FieldType::kBool && (text == "true" || text == "false")) value = text == "true";
  if (field.type == FieldType::kFloat || field.type == FieldType::kDouble) {
    auto number = parse_json(text);
    if (number.ok() && number->is_number()) value = std::move(*number);
  }
  if (field.type == FieldType::kBytes) value = base64_encode(text);
  if (field.type < FieldType::kTimestamp) TRY(scalar_from(field, value));
  if (field.type == FieldType::kMessage) return unfit("is an object, not one value");
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace novacron::host::contract
