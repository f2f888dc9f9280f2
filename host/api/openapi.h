// The API described for programs: OpenAPI 3.1, derived from the schema alone.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "host/contract/schema.h"

namespace novacron::host::api {

/// The whole document.
std::string describe_open_api(const contract::Schema& schema, const std::string& version);

/// {"novacron.core.v1.Metadata": {…}, …}: JSON Schema of the messages of all kinds, and of what they hold.
nlohmann::ordered_json describe_messages(const contract::Schema& schema);
/// What can be posted, or put, as an object of the kind; and a merge patch of any kind.
nlohmann::ordered_json example_object(const contract::Kind& kind);
nlohmann::ordered_json example_patch();
/// {"$ref": "#/components/schemas/<full name>"}
nlohmann::ordered_json schema_ref(const std::string& full_name);

/// RFC 9457, and one message of a watch.
nlohmann::ordered_json problem_schema();
nlohmann::ordered_json watch_event_schema();

}  // namespace novacron::host::api
