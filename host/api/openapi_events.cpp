#include <nlohmann/json.hpp>

#include "host/api/openapi.h"
#include "host/api/openapi_parts.h"

namespace novacron::host::api {

using nlohmann::ordered_json;

namespace {
ordered_json events_path() {
  auto path = plain_path("events", "Events as they come, also over WebSocket", "application/x-ndjson");
  auto& content = path["get"]["responses"]["200"]["content"];
  content["application/x-ndjson"] = {{"schema", schema_ref("CloudEvent")}};
  content["application/cloudevents+json"] = {{"schema", schema_ref("CloudEvent")}};
  content["application/cloudevents-batch+json"] = {
      {"schema", {{"type", "array"}, {"items", schema_ref("CloudEvent")}}}};
  path["get"]["parameters"] = {
      parameter("subject", "query", text_schema(), "a pattern such as plugin.* or >", "resource.tenant.*"),
      parameter("object", "query", text_schema(), "only what is about this one", "novacron.core/Tenant/default"),
      parameter("tenant", "query", text_schema(), "only what is of this tenant"),
      parameter("since", "query", text_schema(), "only events from this time on, of those that are still there too",
                "now-1h30m"),
      parameter("until", "query", text_schema(), "only events up to this time", "now+1h"),
      parameter("after", "query", text_schema(), "resume behind this event's cursor; 0: all that is still there"),
      parameter("limit", "query", number_schema(), "of a batch: at most 1000")};
  return path;
}

ordered_json tasks_path() {
  auto path = plain_path("tasks", "Who did what, the newest first, with the command that does the same");
  ordered_json properties;
  for (const char* name : {"time", "principal", "verb", "kind", "tenant", "name", "uid", "outcome", "reason", "message",
                           "operation", "request_id", "command"})
    properties[name] = text_schema();
  properties["plugins"] = {{"type", "array"}, {"items", text_schema()}};
  path["get"]["responses"]["200"] =
      answer("a page", json_content({{"type", "object"},
                                     {"properties",
                                      {{"items", {{"type", "array"}, {"items", {{"properties", properties}}}}},
                                       {"next_page_token", text_schema()}}}}));
  path["get"]["parameters"] = {
      parameter("object", "query", text_schema(), "group/Kind/name or group/Kind", "novacron.core/Tenant/default"),
      parameter("tenant", "query", text_schema(), "of this tenant's objects"),
      parameter("principal", "query", text_schema(), "what this one did"),
      parameter("verb", "query", text_schema(), "create, update, apply, delete, or a verb of a kind"),
      parameter("outcome", "query", text_schema(), "DONE, STARTED, SUCCEEDED, FAILED, CANCELLED; or REFUSED"),
      shared_parameter("limit"),
      shared_parameter("page_token")};
  return path;
}

ordered_json undo_path() {
  auto post =
      operation("undoOperation", "Take back what it did, where the contract names a verb for that", "operations");
  post["parameters"] = {shared_parameter("dry_run")};
  post["responses"]["200"] = answer("the object, changed back", json_content({{"type", "object"}}));
  post["responses"]["202"] =
      answer("an Operation that takes it back", json_content(schema_ref("novacron.core.v1.Operation")));
  return {{"parameters", {shared_parameter("tenant"), shared_parameter("name")}}, {"post", std::move(post)}};
}
}  // namespace

ordered_json cloud_event_schema() {
  const auto text = [](const char* what) { return ordered_json{{"type", "string"}, {"description", what}}; };
  return {{"type", "object"},
          {"description", "CloudEvents 1.0; one line, one event or one WebSocket message"},
          {"properties",
           {{"specversion", {{"type", "string"}, {"const", "1.0"}}},
            {"id", text("unique for its source; the same after a restart for what follows from the state")},
            {"source", text("/v1 for what follows from the state, else the node")},
            {"type", text("what patterns choose by: resource.node.put")},
            {"subject", text("the object that it is about: group/Kind/name")},
            {"time", {{"type", "string"}, {"format", "date-time"}}},
            {"datacontenttype", text_schema()},
            {"cursor", text("resume behind it: ?after=")},
            {"tenant", text_schema()},
            {"revision", text("of the state")},
            {"traceparent", text("W3C")},
            {"missed", {{"type", "integer"}, {"description", "events lost just before this one"}}},
            {"restarted", {{"type", "boolean"}, {"description", "the host has started anew since the last one"}}},
            {"data", ordered_json::object()},
            {"data_base64", text("of a body that is no JSON")}}},
          {"required", {"specversion", "id", "source", "type", "time"}},
          {"additionalProperties", false}};
}

ordered_json plan_schema() {
  const ordered_json effect = {{"type", "object"},
                               {"properties",
                                {{"subject", text_schema()},
                                 {"action", text_schema()},
                                 {"text", text_schema()},
                                 {"by", {{"type", "string"}, {"description", "the plugin that says so"}}}}}};
  return {{"type", "object"},
          {"readOnly", true},
          {"description", "of a dry run: what the change would do, in this order"},
          {"properties", {{"effects", {{"type", "array"}, {"items", effect}}}}}};
}

void add_event_paths(ordered_json& paths) {
  paths["/v1/events"] = events_path();
  paths["/v1/tasks"] = tasks_path();
  paths["/v1/tenants/{tenant}/operations/{name}:undo"] = undo_path();
}

}  // namespace novacron::host::api
