// Examples of bodies that a kind accepts: minimal objects, so that each can be sent as it stands.
#include <nlohmann/json.hpp>
#include <optional>

#include "host/api/openapi.h"

namespace novacron::host::api {
namespace {

using contract::Field;
using contract::FieldType;
using nlohmann::ordered_json;

constexpr const char* kExampleName = "example";

ordered_json number_of(const Field& field) {
  return field.rules.min.value_or(0);
}

/// A value that the field's rules allow; none for what only a person can choose.
std::optional<ordered_json> value_of(const Field& field) {
  auto by_default = ordered_json::parse(field.rules.default_json, nullptr, false);
  if (!by_default.is_discarded()) return by_default;
  switch (field.type) {
    case FieldType::kBool:
      return false;
    case FieldType::kEnum:
      return field.enumeration->values.back().name;
    case FieldType::kString:
      return kExampleName;
    case FieldType::kInt32:
    case FieldType::kInt64:
    case FieldType::kUint32:
    case FieldType::kUint64:
      return number_of(field);
    default:
      return std::nullopt;
  }
}

ordered_json spec_of(const contract::Kind& kind) {
  ordered_json spec = ordered_json::object();
  for (const auto& field : kind.spec->fields) {
    if (!field.rules.required || field.cardinality == contract::Cardinality::kMap) continue;
    auto value = value_of(field);
    if (!value) continue;
    const bool is_list = field.cardinality == contract::Cardinality::kRepeated;
    spec[field.name] = is_list ? ordered_json::array({*value}) : *value;
  }
  return spec;
}

}  // namespace

ordered_json example_object(const contract::Kind& kind) {
  ordered_json object = {{"metadata", {{"name", kExampleName}, {"labels", {{"stage", "test"}}}}}};
  if (kind.spec != nullptr) object["spec"] = spec_of(kind);
  return object;
}

ordered_json example_patch() {
  return {{"metadata", {{"labels", {{"stage", "production"}}}}}};
}

}  // namespace novacron::host::api
