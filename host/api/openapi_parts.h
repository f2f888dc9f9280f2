// What the document of OpenAPI is made of.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace novacron::host::api {

nlohmann::ordered_json parameter(const char* name, const char* in, nlohmann::ordered_json schema,
                                 const char* description);
nlohmann::ordered_json parameter(const char* name, const char* in, nlohmann::ordered_json schema,
                                 const char* description, nlohmann::ordered_json example);
nlohmann::ordered_json shared_parameter(const char* name);
nlohmann::ordered_json text_schema();
nlohmann::ordered_json number_schema();
nlohmann::ordered_json json_content(nlohmann::ordered_json schema);
nlohmann::ordered_json answer(const char* description);
nlohmann::ordered_json answer(const char* description, nlohmann::ordered_json content);
nlohmann::ordered_json operation(const std::string& id, const std::string& summary, const std::string& tag);
nlohmann::ordered_json plain_path(const std::string& id, const char* summary,
                                  const char* media_type = "application/json");

/// /v1/events, /v1/tasks, and the undo of operations.
void add_event_paths(nlohmann::ordered_json& paths);
nlohmann::ordered_json cloud_event_schema();
/// Of dry runs: what the change would do.
nlohmann::ordered_json plan_schema();

}  // namespace novacron::host::api
