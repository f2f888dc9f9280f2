// JSON Schema of messages, as the JSON of the API writes them.
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "host/api/openapi.h"

namespace novacron::host::api {
namespace {

using contract::Cardinality;
using contract::Field;
using contract::FieldType;
using contract::MessageType;
using nlohmann::ordered_json;

ordered_json of_integer(const char* format, bool is_signed) {
  ordered_json json = {{"type", "integer"}, {"format", format}};
  if (!is_signed) json["minimum"] = 0;
  return json;
}

ordered_json of_enum(const contract::EnumType& type) {
  ordered_json names = ordered_json::array();
  for (const auto& value : type.values) names.push_back(value.name);
  return {{"type", "string"}, {"enum", std::move(names)}};
}

/// A message of an installed contract, whose members are not known before.
ordered_json of_any() {
  ordered_json type = {{"type", "string"}, {"pattern", "/"}, {"examples", {"type.googleapis.com/shop.v1.Tool"}}};
  return {{"type", "object"}, {"properties", {{"@type", std::move(type)}}}, {"additionalProperties", true}};
}

/// What has no shape that the contract knows.
ordered_json of_free_form(FieldType type) {
  switch (type) {
    case FieldType::kNull:
      return {{"type", "null"}};
    case FieldType::kStruct:
      return {{"type", "object"}, {"additionalProperties", true}};
    case FieldType::kListValue:
      return {{"type", "array"}, {"items", ordered_json::object()}};
    case FieldType::kAny:
      return of_any();
    default:
      return {{"description", "any JSON, null too"}};
  }
}

ordered_json of_type(const Field& field, FieldType type) {
  switch (type) {
    case FieldType::kBool:
      return {{"type", "boolean"}};
    case FieldType::kInt32:
      return of_integer("int32", true);
    case FieldType::kUint32:
      return of_integer("uint32", false);
    case FieldType::kInt64:
      return of_integer("int64", true);
    case FieldType::kUint64:
      return of_integer("uint64", false);
    case FieldType::kFloat:
      return {{"type", "number"}, {"format", "float"}};
    case FieldType::kDouble:
      return {{"type", "number"}, {"format", "double"}};
    case FieldType::kString:
      return {{"type", "string"}};
    case FieldType::kBytes:
      return {{"type", "string"}, {"contentEncoding", "base64"}};
    case FieldType::kEnum:
      return of_enum(*field.enumeration);
    case FieldType::kTimestamp:
      return {{"type", "string"}, {"format", "date-time"}};
    case FieldType::kDuration:
      return {{"type", "string"}, {"pattern", "^-?[0-9]+(\\.[0-9]+)?s$"}, {"examples", {"1.5s"}}};
    case FieldType::kFieldMask:
      return {{"type", "string"}, {"examples", {"spec.a,metadata.labels"}}};
    case FieldType::kMessage:
      return schema_ref(field.message->full_name);
    case FieldType::kWrapper:
      return of_type(field.special->fields.front(), field.special->fields.front().type);
    default:
      return of_free_form(type);
  }
}

/// A number that may also be written with its unit.
ordered_json with_unit(ordered_json number, contract::Unit unit) {
  ordered_json text = {{"type", "string"}};
  switch (unit) {
    case contract::Unit::kNone:
      return number;
    case contract::Unit::kBytes:
      number["description"] = "bytes";
      text["examples"] = {"512MiB", "2G"};
      break;
    case contract::Unit::kDuration:
      number["description"] = "nanoseconds";
      text["examples"] = {"30s", "1h30m"};
      break;
    case contract::Unit::kCpu:
      number["description"] = "thousandths of a CPU";
      text["examples"] = {"2", "500m"};
      break;
  }
  return {{"oneOf", {std::move(number), std::move(text)}}};
}

bool is_text(FieldType type) {
  return type == FieldType::kString || type == FieldType::kBytes;
}

/// What holds for one value.
ordered_json of_value(const Field& field) {
  ordered_json json = of_type(field, field.type);
  const auto& rules = field.rules;
  if (rules.min) json["minimum"] = *rules.min;
  if (rules.max) json["maximum"] = *rules.max;
  if (!rules.pattern.empty()) json["pattern"] = "^(?:" + rules.pattern + ")$";
  if (field.blob) json["pattern"] = "^sha256:[0-9a-f]{64}$";
  if (field.cardinality == Cardinality::kSingle && is_text(field.type)) {
    if (rules.min_length != 0) json["minLength"] = rules.min_length;
    if (rules.max_length != 0) json["maxLength"] = rules.max_length;
  }
  return with_unit(std::move(json), field.unit);
}

ordered_json of_cardinality(const Field& field) {
  if (field.cardinality == Cardinality::kSingle) return of_value(field);
  const bool is_map = field.cardinality == Cardinality::kMap;
  ordered_json json = {{"type", is_map ? "object" : "array"}};
  json[is_map ? "additionalProperties" : "items"] = of_value(field);
  if (field.rules.min_length != 0) json[is_map ? "minProperties" : "minItems"] = field.rules.min_length;
  if (field.rules.max_length != 0) json[is_map ? "maxProperties" : "maxItems"] = field.rules.max_length;
  return json;
}

std::string description_of(const Field& field) {
  std::string text = field.cli.summary;
  const auto add = [&](const std::string& sentence) { text += (text.empty() ? "" : "; ") + sentence; };
  if (field.rules.immutable) add("cannot be changed after creation");
  if (field.ref) add("names a " + field.ref->kind);
  if (!field.list_keys.empty()) add("items are found by " + field.list_keys.front());
  if (!field.oneof.empty()) add("at most one of the fields of \"" + field.oneof + "\"");
  return text;
}

ordered_json of_field(const Field& field) {
  ordered_json json = of_cardinality(field);
  if (const auto text = description_of(field); !text.empty()) json["description"] = text;
  if (field.secret) json["writeOnly"] = true;
  auto absent = ordered_json::parse(field.rules.default_json, nullptr, false);
  if (!absent.is_discarded()) json["default"] = std::move(absent);
  return json;
}

ordered_json of_message(const MessageType& type) {
  ordered_json json = {{"type", "object"}, {"additionalProperties", false}, {"properties", ordered_json::object()}};
  for (const auto& field : type.fields) {
    json["properties"][field.name] = of_field(field);
    if (field.rules.required) json["required"].push_back(field.name);
  }
  return json;
}

class Messages {
 public:
  void add(const MessageType* type) {
    if (type == nullptr || !seen_.insert(type->full_name).second) return;
    all_[type->full_name] = of_message(*type);
    for (const auto& field : type->fields) {
      if (field.type == FieldType::kMessage) add(field.message);
    }
  }
  ordered_json take() { return std::move(all_); }

 private:
  std::set<std::string> seen_;
  ordered_json all_ = ordered_json::object();
};

/// An object as REST gives and takes it: the kind's message with "kind" before it.
void add_kind_field(ordered_json& message, const contract::Kind& kind) {
  message["properties"]["kind"] = {{"type", "string"}, {"const", kind.id}};
  message["description"] = kind.summary;
  if (message["properties"].contains("status")) {
    // OpenAPI 3.1 lets keywords stand beside $ref.
    message["properties"]["status"]["readOnly"] = true;
  }
}

}  // namespace

ordered_json schema_ref(const std::string& full_name) {
  return {{"$ref", "#/components/schemas/" + full_name}};
}

ordered_json describe_messages(const contract::Schema& schema) {
  Messages messages;
  for (const auto& kind : schema.kinds()) {
    messages.add(kind.message);
    for (const auto& older : kind.older) messages.add(older.message);
    for (const auto& action : kind.actions) {
      messages.add(action.method.request);
      messages.add(action.method.reply);
    }
  }
  ordered_json all = messages.take();
  for (const auto& kind : schema.kinds()) add_kind_field(all[kind.message->full_name], kind);
  return all;
}

}  // namespace novacron::host::api
