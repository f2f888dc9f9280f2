#include "host/api/openapi_parts.h"

#include <nlohmann/json.hpp>

namespace novacron::host::api {

using nlohmann::ordered_json;

ordered_json parameter(const char* name, const char* in, ordered_json schema, const char* description,
                       ordered_json example) {
  ordered_json json = {{"name", name}, {"in", in}, {"schema", std::move(schema)}, {"description", description}};
  if (std::string_view(in) == "path") json["required"] = true;
  if (!example.is_null()) json["example"] = std::move(example);
  return json;
}

ordered_json parameter(const char* name, const char* in, ordered_json schema, const char* description) {
  return parameter(name, in, std::move(schema), description, nullptr);
}

ordered_json answer(const char* description) {
  return answer(description, nullptr);
}

ordered_json shared_parameter(const char* name) {
  return {{"$ref", std::string("#/components/parameters/") + name}};
}

ordered_json text_schema() {
  return {{"type", "string"}};
}

ordered_json number_schema() {
  return {{"type", "integer"}, {"format", "uint64"}, {"minimum", 0}};
}

ordered_json json_content(ordered_json schema) {
  return {{"application/json", {{"schema", std::move(schema)}}}};
}

ordered_json answer(const char* description, ordered_json content) {
  ordered_json json = {{"description", description}};
  if (!content.is_null()) json["content"] = std::move(content);
  return json;
}

ordered_json operation(const std::string& id, const std::string& summary, const std::string& tag) {
  return {{"operationId", id},
          {"summary", summary},
          {"tags", {tag}},
          {"responses", {{"default", {{"$ref", "#/components/responses/problem"}}}}}};
}

ordered_json plain_path(const std::string& id, const char* summary, const char* media_type) {
  auto get = operation(id, summary, "host");
  get["responses"]["200"] = answer(summary, {{media_type, ordered_json::object()}});
  return {{"get", std::move(get)}};
}

}  // namespace novacron::host::api
