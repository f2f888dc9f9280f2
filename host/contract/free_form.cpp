#include "host/contract/free_form.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <cmath>

#include "host/contract/json_well_known.h"
#include "host/contract/message.h"
#include "host/contract/walk.h"

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;

const pb::FieldDescriptor& number(const pb::Message& message, int field) {
  return *message.GetDescriptor()->FindFieldByNumber(field);
}

const pb::Message& part(const pb::Message& value, JsonKind kind) {
  return value.GetReflection()->GetMessage(value, &slot_of(value, kind));
}

/// Calls visit(value, path) for each Value within a Struct, Value or ListValue, outer ones first.
template <class Visit>
void each_value(FieldType type, const pb::Message& message, const std::string& path, const Visit& visit) {
  if (type == FieldType::kStruct) {
    for (const auto& [name, value] : members_of(message)) {
      each_value(FieldType::kValue, *value, key_path(path, name), visit);
    }
  } else if (type == FieldType::kListValue) {
    const auto items = items_of(message);
    for (size_t i = 0; i < items.size(); ++i) each_value(FieldType::kValue, *items[i], index_path(path, i), visit);
  } else {
    visit(message, path);
    const JsonKind kind = kind_of(message);
    if (kind == JsonKind::kObject) each_value(FieldType::kStruct, part(message, kind), path, visit);
    if (kind == JsonKind::kList) each_value(FieldType::kListValue, part(message, kind), path, visit);
  }
}

/// What an Any holds; null: nothing, or nothing that can be read.
std::shared_ptr<pb::Message> content_of(const MessageType& any, const pb::Message& message) {
  const auto* type = type_in_any(any, read_scalar(message, number(message, 1)).text);
  if (type == nullptr) return nullptr;
  auto content = parse_message(*type, read_scalar(message, number(message, 2)).text);
  return content.ok() ? *content : nullptr;
}

void check_any(const MessageType& any, const pb::Message& message, const std::string& path, Violations& violations,
               const VisitInside& inside) {
  const std::string url = read_scalar(message, number(message, 1)).text;
  if (url.empty() && read_scalar(message, number(message, 2)).text.empty()) return;
  const auto* type = type_in_any(any, url);
  if (type == nullptr) return violations.add(path, "no installed contract has the message of its @type " + url);
  if (type->has_secrets) return violations.add(path, type->full_name + " has secrets, which an Any cannot keep");
  const auto content = content_of(any, message);
  if (content == nullptr) return violations.add(path, "it holds no " + type->full_name);
  inside(*type, *content, path);
}

size_t levels_of_value(FieldType type, const pb::Message& message) {
  size_t deepest = 0;
  const auto take = [&deepest](const pb::Message& value) {
    deepest = std::max(deepest, levels_of_value(FieldType::kValue, value));
  };
  switch (type) {
    case FieldType::kStruct:
      for (const auto& [name, value] : members_of(message)) take(*value);
      return 1 + deepest;
    case FieldType::kListValue:
      for (const auto* value : items_of(message)) take(*value);
      return 1 + deepest;
    default:
      break;
  }
  const JsonKind kind = kind_of(message);
  if (kind == JsonKind::kObject) return levels_of_value(FieldType::kStruct, part(message, kind));
  return kind == JsonKind::kList ? levels_of_value(FieldType::kListValue, part(message, kind)) : 0;
}
}  // namespace

JsonKind kind_of(const pb::Message& value) {
  std::vector<const pb::FieldDescriptor*> set;
  value.GetReflection()->ListFields(value, &set);
  return set.empty() ? JsonKind::kNone : static_cast<JsonKind>(set.front()->number());
}

const pb::FieldDescriptor& slot_of(const pb::Message& value, JsonKind kind) {
  return number(value, static_cast<int>(kind));
}

std::map<std::string, const pb::Message*> members_of(const pb::Message& structure) {
  std::map<std::string, const pb::Message*> members;
  const auto& field = number(structure, 1);
  const auto& reflection = *structure.GetReflection();
  for (int i = 0; i < reflection.FieldSize(structure, &field); ++i) {
    const auto& entry = reflection.GetRepeatedMessage(structure, &field, i);
    members[read_scalar(entry, number(entry, 1)).text] = &entry.GetReflection()->GetMessage(entry, &number(entry, 2));
  }
  return members;
}

std::vector<const pb::Message*> items_of(const pb::Message& list) {
  std::vector<const pb::Message*> items;
  const auto& field = number(list, 1);
  for (int i = 0; i < list.GetReflection()->FieldSize(list, &field); ++i) {
    items.push_back(&list.GetReflection()->GetRepeatedMessage(list, &field, i));
  }
  return items;
}

void check_free_form(const MessageType& type, const pb::Message& message, const std::string& path,
                     Violations& violations, const VisitInside& inside) {
  if (type.json == FieldType::kAny) return check_any(type, message, path, violations, inside);
  each_value(type.json, message, path, [&violations](const pb::Message& value, const std::string& value_path) {
    const JsonKind kind = kind_of(value);
    if (kind != JsonKind::kNumber || std::isfinite(read_scalar(value, slot_of(value, kind)).number)) return;
    violations.add(value_path, "must be a number that JSON can write");
  });
}

size_t json_levels(const MessageType& type, const pb::Message& message) {
  if (type.json == FieldType::kAny) {
    const auto content = content_of(type, message);
    const auto* held = type_in_any(type, read_scalar(message, number(message, 1)).text);
    return content == nullptr ? 1 : json_levels(*held, *content) + (held->json == FieldType::kMessage ? 0 : 1);
  }
  if (is_free_form(type.json)) return levels_of_value(type.json, message);
  if (type.json != FieldType::kMessage) return 0;
  size_t deepest = 0;
  for (const auto& field : type.fields) {
    if (!is_present(message, *field.descriptor)) continue;
    const size_t own = field.cardinality == Cardinality::kSingle ? 0 : 1;
    deepest = std::max(deepest, own);
    each_message_value(field, message, "", [&](const pb::Message& child, const std::string&) {
      deepest = std::max(deepest, own + json_levels(field.message ? *field.message : *field.special, child));
    });
  }
  return 1 + deepest;
}

}  // namespace novacron::host::contract
