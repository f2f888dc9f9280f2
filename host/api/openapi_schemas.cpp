// Schemas of what is no message of a contract: problems, and what a watch tells.
#include <nlohmann/json.hpp>

#include "host/api/openapi.h"

namespace novacron::host::api {

using nlohmann::ordered_json;

namespace {
ordered_json text_schema() {
  return {{"type", "string"}};
}

ordered_json number_schema() {
  return {{"type", "integer"}, {"format", "uint64"}, {"minimum", 0}};
}
}  // namespace

ordered_json problem_schema() {
  return {
      {"type", "object"},
      {"description", "RFC 9457"},
      {"properties",
       {{"title", text_schema()},
        {"status", {{"type", "integer"}}},
        {"detail", text_schema()},
        {"code", text_schema()},
        {"reason", {{"type", "string"}, {"description", "stable, for programs"}}},
        {"request_id", text_schema()},
        {"current",
         {{"type", "object"},
          {"description", "of a 412: what is there now"},
          {"properties", {{"etag", text_schema()}, {"revision", number_schema()}, {"generation", number_schema()}}}}},
        {"fields",
         {{"type", "array"},
          {"items", {{"type", "object"}, {"properties", {{"path", text_schema()}, {"message", text_schema()}}}}}}}}}};
}

ordered_json watch_event_schema() {
  return {{"type", "object"},
          {"description", "one line, one event or one WebSocket message; resume after its revision"},
          {"properties",
           {{"type", {{"type", "string"}, {"enum", {"PUT", "DELETED", "BOOKMARK", "ERROR"}}}},
            {"object", {{"type", "object"}, {"description", "of PUT and DELETED"}}},
            {"revision", number_schema()},
            {"error", schema_ref("Problem")}}},
          {"required", {"type"}}};
}

}  // namespace novacron::host::api
