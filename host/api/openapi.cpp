#include "host/api/openapi.h"

#include <nlohmann/json.hpp>

#include "host/api/kinds.h"
#include "host/api/openapi_parts.h"
#include "host/contract/condition.h"
#include "host/contract/json_patch.h"

namespace novacron::host::api {
namespace {

using contract::Kind;
using nlohmann::ordered_json;

/// Parameters that several operations take.
ordered_json parameters() {
  const ordered_json name = {{"type", "string"}, {"maxLength", 63}, {"pattern", "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}};
  return {
      {"tenant", parameter("tenant", "path", name, "who owns the object: \"default\" is always there", "default")},
      {"name", parameter("name", "path", name, "of the object, unique in its kind and tenant", "example")},
      {"label_selector", parameter("label_selector", "query", text_schema(), "\"app=web,tier!=db,env in (a,b),!old\"",
                                   "stage in (test,production),!old")},
      {"field_selector",
       parameter("field_selector", "query", {{"type", "string"}, {"maxLength", contract::kMaxConditionBytes}},
                 "comparisons (== != < <= > >=) of fields, joined by && and ||: \"spec.cpu > 2 && "
                 "metadata.created_at >= now-1h30m\"")},
      {"order_by", parameter("order_by", "query", text_schema(),
                             "up to 4 fields: \"metadata.created_at desc,metadata.name\"; absent: by tenant and name")},
      {"limit", parameter("limit", "query", {{"type", "integer"}, {"minimum", 1}, {"maximum", 1'000}, {"default", 500}},
                          "objects in a page")},
      {"page_token", parameter("page_token", "query", text_schema(), "next_page_token of the page before")},
      {"at", parameter("at", "query", number_schema(), "a revision of the past; absent: now")},
      {"fields", parameter("fields", "query", text_schema(),
                           "only these of the object: \"metadata.name,spec.disks.size_bytes\"; absent: all")},
      {"update_mask", parameter("update_mask", "query", text_schema(),
                                "replace these fields alone: \"spec.cpu,metadata.labels\"; absent: all")},
      {"all", parameter("all", "query", {{"type", "boolean"}}, "of a deletion without a selector: all of them")},
      {"watch", parameter("watch", "query", {{"type", "boolean"}},
                          "changes as they come, as application/x-ndjson, text/event-stream or over WebSocket")},
      {"after_revision", parameter("after_revision", "query", number_schema(),
                                   "of a watch: the revision of a list or of the last change seen")},
      {"dry_run", parameter("dry_run", "query", {{"type", "boolean"}}, "check everything, change nothing")},
      {"field_manager", parameter("field_manager", "query", {{"type", "string"}, {"maxLength", 317}},
                                  "of application/apply-patch+json: who decides the fields of the body, \"deploy\"")},
      {"force", parameter("force", "query", {{"type", "boolean"}},
                          "of application/apply-patch+json: take over fields that another manager decides")},
      {"if_match", parameter("If-Match", "header", text_schema(),
                             "an ETag: the change is refused with 412 when the object has changed since")},
      {"if_none_match",
       parameter("If-None-Match", "header", text_schema(), "an ETag: 304 when the object is still that")},
      {"idempotency_key", parameter("Idempotency-Key", "header", {{"type", "string"}, {"maxLength", 128}},
                                    "a repeated request with the same key gets the first one's answer, for 24 hours")}};
}

/// An answer that says more in its headers.
ordered_json answer_with(ordered_json json, std::initializer_list<const char*> headers) {
  for (const char* name : headers) json["headers"][name] = {{"$ref", std::string("#/components/headers/") + name}};
  return json;
}

ordered_json headers() {
  const auto header = [](const char* description) {
    return ordered_json{{"description", description}, {"schema", text_schema()}};
  };
  return {{"ETag", header("names the object as it is now, for If-Match and If-None-Match")},
          {"Location", header("where it is found from now on")},
          {"Operation", header("the name of the Operation that tells when the write has taken effect")},
          {"Retry-After", header("seconds to wait before another try")},
          {"X-Request-Id", header("the request's own, or one that was made for it; logs and audit have it too")}};
}

std::string list_name(const Kind& kind) {
  return kind.message->full_name + "List";
}

ordered_json list_schema(const Kind& kind) {
  return {{"type", "object"},
          {"properties",
           {{"items", {{"type", "array"}, {"items", schema_ref(kind.message->full_name)}}},
            {"next_page_token", {{"type", "string"}, {"description", "empty: this is the last page"}}},
            {"revision", number_schema()}}}};
}

ordered_json list_operation(const Kind& kind, const std::string& id) {
  auto json = operation("list" + id, "List or watch " + kind.plural, kind.plural);
  for (const char* name : {"label_selector", "field_selector", "order_by", "limit", "page_token", "at", "fields",
                           "watch", "after_revision"})
    json["parameters"].push_back(shared_parameter(name));
  auto content = json_content(schema_ref(list_name(kind)));
  for (const char* stream : {"application/x-ndjson", "text/event-stream"})
    content[stream] = {{"schema", schema_ref("WatchEvent")}};
  json["responses"]["200"] = answer("a page; with watch, changes one by one", std::move(content));
  return json;
}

ordered_json write_operation(const Kind& kind, const std::string& verb, const std::string& summary) {
  auto json = operation(verb + kind.name, summary, kind.plural);
  json["parameters"] = {shared_parameter("dry_run"), shared_parameter("idempotency_key")};
  if (verb != "create") json["parameters"].push_back(shared_parameter("if_match"));
  const char* status = verb == "create" ? "201" : "200";
  auto written = answer("the object", json_content(schema_ref(kind.message->full_name)));
  if (verb == "create")
    json["responses"][status] = answer_with(std::move(written), {"ETag", "Location", "Operation", "X-Request-Id"});
  else
    json["responses"][status] = answer_with(std::move(written), {"ETag", "Operation", "X-Request-Id"});
  return json;
}

/// What became of one of many: its name and state, and why nothing did.
ordered_json outcome_schema(ordered_json states, const char* meaning) {
  const ordered_json state = {{"type", "string"}, {"enum", std::move(states)}, {"description", meaning}};
  return {{"type", "object"},
          {"required", {"name", "uid", "state"}},
          {"properties",
           {{"name", text_schema()},
            {"uid", text_schema()},
            {"tenant", text_schema()},
            {"state", state},
            {"code", text_schema()},
            {"reason", text_schema()},
            {"detail", text_schema()}}}};
}

ordered_json change_outcome_schema() {
  auto schema = outcome_schema({"CHANGED", "UNCHANGED", "STARTED", "REFUSED"},
                               "STARTED: see the operation; REFUSED: code, reason and detail say why");
  schema["properties"]["revision"] = number_schema();
  schema["properties"]["generation"] = number_schema();
  schema["properties"]["operation"] = text_schema();
  schema["properties"]["fields"] = {{"type", "array"}, {"items", {{"type", "object"}}}};
  return schema;
}

/// Of a page of a collection, object by object.
ordered_json bulk_operation(const Kind& kind, const std::string& id, const std::string& summary, ordered_json outcome) {
  auto json = operation(id, summary, kind.plural);
  for (const char* name : {"label_selector", "field_selector", "all", "limit", "page_token", "dry_run"})
    json["parameters"].push_back(shared_parameter(name));
  auto schema = list_schema(kind);
  schema["properties"]["items"]["items"] = std::move(outcome);
  json["responses"]["200"] = answer("what became of each", json_content(std::move(schema)));
  return json;
}

ordered_json bulk_delete_operation(const Kind& kind) {
  return bulk_operation(kind, "delete" + kind.name + "Collection", "Delete a page of " + kind.plural,
                        outcome_schema({"DELETED", "DELETING", "KEPT"},
                                       "DELETING: finalizers are left; KEPT: code, reason and detail say why"));
}

ordered_json body(const std::string& media_type, ordered_json schema, ordered_json example = nullptr) {
  ordered_json content = {{"schema", std::move(schema)}};
  if (!example.is_null()) content["example"] = std::move(example);
  return {{"required", true}, {"content", {{media_type, std::move(content)}}}};
}

ordered_json json_patch_schema() {
  const ordered_json pointer = {{"type", "string"}, {"pattern", "^(/([^~]|~[01])*)*$"}};
  const ordered_json operation = {
      {"type", "object"},
      {"required", {"op", "path"}},
      {"properties",
       {{"op", {{"type", "string"}, {"enum", {"add", "remove", "replace", "move", "copy", "test"}}}},
        {"path", pointer},
        {"from", pointer},
        {"value", {{"description", "any JSON"}}}}}};
  return {{"type", "array"}, {"maxItems", contract::kMaxPatchOperations}, {"items", operation}};
}

void add_patch_body(const Kind& kind, ordered_json& patch) {
  patch["requestBody"] =
      body("application/merge-patch+json", {{"type", "object"}, {"additionalProperties", true}}, example_patch());
  auto& content = patch["requestBody"]["content"];
  content["application/json-patch+json"]["schema"] = json_patch_schema();
  content["application/apply-patch+json"]["schema"] = schema_ref(kind.message->full_name);
  for (const char* name : {"field_manager", "force"}) patch["parameters"].push_back(shared_parameter(name));
}

void add_patch(const Kind& kind, ordered_json& patch) {
  add_patch_body(kind, patch);
  patch["responses"]["201"] = answer("the object, made by an apply", json_content(schema_ref(kind.message->full_name)));
}

ordered_json collection_path(const Kind& kind) {
  ordered_json path = {{"get", list_operation(kind, kind.name)},
                       {"post", write_operation(kind, "create", "Create")},
                       {"patch", bulk_operation(kind, "patch" + kind.name + "Collection",
                                                "Change a page of " + kind.plural, change_outcome_schema())},
                       {"delete", bulk_delete_operation(kind)}};
  add_patch_body(kind, path["patch"]);
  path["patch"]["parameters"].push_back(shared_parameter("idempotency_key"));
  path["post"]["requestBody"] = body("application/json", schema_ref(kind.message->full_name), example_object(kind));
  return path;
}

ordered_json object_path(const Kind& kind) {
  ordered_json path = {{"get", operation("get" + kind.name, "Show one", kind.plural)},
                       {"put", write_operation(kind, "replace", "Replace its labels and spec")},
                       {"patch", write_operation(kind, "patch", "Change a part of it")},
                       {"delete", write_operation(kind, "delete", "Delete it")}};
  path["get"]["parameters"] = {shared_parameter("at"), shared_parameter("fields"), shared_parameter("if_none_match")};
  path["put"]["parameters"].push_back(shared_parameter("update_mask"));
  path["get"]["responses"]["200"] =
      answer_with(answer("the object", json_content(schema_ref(kind.message->full_name))), {"ETag", "X-Request-Id"});
  path["get"]["responses"]["304"] = answer("it is still what If-None-Match names");
  path["put"]["requestBody"] = body("application/json", schema_ref(kind.message->full_name), example_object(kind));
  add_patch(kind, path["patch"]);
  return path;
}

std::string capitalized(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

ordered_json patch_verb_path(const Kind& kind, const contract::PatchVerb& verb) {
  auto post = write_operation(kind, verb.name, verb.summary);
  return {{"post", std::move(post)}};
}

ordered_json action_path(const Kind& kind, const contract::Action& action) {
  const bool streams = action.stream != contract::ActionStream::kNone;
  auto json = operation(action.verb + kind.name, action.summary, kind.plural);
  if (streams) {
    json["description"] = "Ask for it by WebSocket: binary messages are the bytes (" +
                          std::string(stream_name(action.stream)) +
                          "), {\"type\":\"end\"} is the end of one direction.";
    json["responses"]["101"] = answer("the WebSocket");
    return {{"get", std::move(json)}};
  }
  json["requestBody"] = body("application/json", schema_ref(action.method.request->full_name));
  json["requestBody"]["required"] = false;
  json["requestBody"]["description"] = "without \"object\", which the path names";
  if (action.read_only) {
    json["responses"]["200"] = answer("the answer", json_content(schema_ref(action.method.reply->full_name)));
  } else {
    json["parameters"] = {shared_parameter("dry_run"), shared_parameter("idempotency_key"),
                          shared_parameter("if_match")};
    json["responses"]["200"] =
        answer("of a dry run: the Operation that would start", json_content(schema_ref("novacron.core.v1.Operation")));
    json["responses"]["202"] = answer_with(answer("an Operation that tells how it goes; Location says where it is",
                                                  json_content(schema_ref("novacron.core.v1.Operation"))),
                                           {"Location", "ETag", "X-Request-Id"});
  }
  return {{"post", std::move(json)}};
}

/// The same verb of a page of the collection.
ordered_json bulk_verb_path(const Kind& kind, const std::string& verb, const std::string& summary,
                            const ordered_json& one) {
  auto json =
      bulk_operation(kind, verb + kind.name + "Collection", summary + " (many at once)", change_outcome_schema());
  json["parameters"].push_back(shared_parameter("idempotency_key"));
  if (one.contains("requestBody")) json["requestBody"] = one["requestBody"];
  return {{"post", std::move(json)}};
}

bool is_of_many(const contract::Action& action) {
  return !action.read_only && action.stream == contract::ActionStream::kNone;
}

void mark_deprecated(ordered_json& item, const contract::Deprecation& deprecation) {
  for (auto& [method, operation] : item.items()) {
    operation["deprecated"] = true;
    if (deprecation.instead.empty()) continue;
    const std::string before = operation.value("description", "");
    operation["description"] = before + (before.empty() ? "" : " ") + "Deprecated: " + deprecation.instead;
  }
}

/// Which version's names the request and its answer have.
ordered_json version_parameter(const Kind& kind) {
  ordered_json versions = {kind.version};
  std::string description = "by whose names: absent, " + kind.message->full_name;
  for (const auto& older : kind.older) {
    versions.push_back(older.version);
    description += "; " + older.version + ", " + older.message->full_name;
  }
  return parameter("version", "query", {{"type", "string"}, {"enum", std::move(versions)}}, description.c_str());
}

void add_kind(ordered_json& paths, const Kind& kind) {
  const bool of_tenant = kind.scope == contract::Scope::kTenant;
  const std::string collection = (of_tenant ? "/v1/tenants/{tenant}/" : "/v1/") + kind.segment;
  const std::string object = collection + "/{name}";
  ordered_json place = ordered_json::array();
  if (of_tenant) place.push_back(shared_parameter("tenant"));
  if (!kind.older.empty()) place.push_back(version_parameter(kind));
  const auto add = [&](const std::string& path, ordered_json item) {
    if (kind.deprecated) mark_deprecated(item, *kind.deprecated);
    if (!place.empty()) item["parameters"] = place;
    paths[path] = std::move(item);
  };
  add(collection, collection_path(kind));
  for (const auto& verb : kind.verbs)
    add(collection + ":" + verb.name, bulk_verb_path(kind, verb.name, verb.summary, ordered_json::object()));
  for (const auto& action : kind.actions) {
    if (!is_of_many(action)) continue;
    auto item = bulk_verb_path(kind, action.verb, action.summary, action_path(kind, action)["post"]);
    if (action.deprecated && !kind.deprecated) mark_deprecated(item, *action.deprecated);
    add(collection + ":" + action.verb, std::move(item));
  }
  place.push_back(shared_parameter("name"));
  add(object, object_path(kind));
  for (const auto& verb : kind.verbs) add(object + ":" + verb.name, patch_verb_path(kind, verb));
  for (const auto& action : kind.actions) {
    auto item = action_path(kind, action);
    if (action.deprecated && !kind.deprecated) mark_deprecated(item, *action.deprecated);
    add(object + ":" + action.verb, std::move(item));
  }
  place.clear();
  if (of_tenant) add("/v1/" + kind.segment, {{"get", list_operation(kind, capitalized(kind.name) + "OfAllTenants")}});
}

ordered_json token_path() {
  auto post = operation("issueToken", "Exchange a credential for a bearer token", "host");
  post["security"] = ordered_json::array();
  post["requestBody"] = body("application/json", {{"type", "object"},
                                                  {"properties",
                                                   {{"credential", text_schema()},
                                                    {"ttl", {{"type", "string"}, {"examples", {"8h"}}}},
                                                    {"user", text_schema()},
                                                    {"role", {{"type", "string"}, {"enum", {"admin", "viewer"}}}},
                                                    {"tenant", text_schema()}}}});
  post["responses"]["200"] =
      answer("the token", json_content({{"type", "object"},
                                        {"properties",
                                         {{"token", text_schema()},
                                          {"token_type", text_schema()},
                                          {"expires_at", {{"type", "string"}, {"format", "date-time"}}}}}}));
  return {{"post", std::move(post)}};
}

ordered_json blob_upload() {
  auto post = operation("uploadBlob", "Store bytes; large ones can also be sent in pieces through uploads", "blobs");
  post["parameters"] = {
      parameter("digest", "query", text_schema(), "sha256:<64 hex>: refused when the bytes have another")};
  post["requestBody"] = body("application/octet-stream", ordered_json::object(), "any bytes");
  post["responses"]["201"] = answer("the digest by which it is found", json_content({{"type", "object"}}));
  return post;
}

ordered_json object_schema(ordered_json properties) {
  return {{"type", "object"}, {"properties", std::move(properties)}};
}

ordered_json list_of(ordered_json items) {
  return {{"type", "array"}, {"items", std::move(items)}};
}

ordered_json settings_schema() {
  const ordered_json any = {{"description", "any JSON; secrets are \"***\""}};
  const ordered_json setting =
      object_schema({{"name", text_schema()},
                     {"value", any},
                     {"origin", {{"type", "string"}, {"description", "file:line, or variable"}}},
                     {"live", {{"type", "boolean"}, {"description", "a reload changes it"}}},
                     {"configured", any},
                     {"summary", text_schema()}});
  return object_schema({{"files", list_of(text_schema())},
                        {"restart_required", list_of(text_schema())},
                        {"refused", {{"type", "string"}, {"description", "why the last reload changed nothing"}}},
                        {"settings", list_of(setting)}});
}

void add_config_paths(ordered_json& paths) {
  paths["/v1/config"] = plain_path("getConfig", "The settings in effect, and where each is from");
  paths["/v1/config"]["get"]["responses"]["200"] = answer("the settings", json_content(settings_schema()));
  auto reload = operation("reloadConfig", "Read the settings again; a wrong one changes nothing", "host");
  reload["responses"]["200"] = answer(
      "what has changed, and what waits for a restart",
      json_content(object_schema({{"changed", list_of(text_schema())}, {"restart_required", list_of(text_schema())}})));
  paths["/v1/config:reload"] = {{"post", std::move(reload)}};
}

void add_log_paths(ordered_json& paths) {
  const ordered_json level = {{"type", {"string", "null"}}, {"enum", {"debug", "info", "warn", "error", nullptr}}};
  const ordered_json schema =
      object_schema({{"level", level}, {"levels", {{"type", "object"}, {"additionalProperties", level}}}});
  paths["/v1/log"] = plain_path("getLogLevels", "The lowest levels that are logged");
  paths["/v1/log"]["get"]["responses"]["200"] = answer("the levels", json_content(schema));
  auto patch =
      operation("setLogLevels", "Change them until the next reload or start; null takes a subject's away", "host");
  patch["requestBody"] = body("application/merge-patch+json", schema, {{"levels", {{"api", "warn"}}}});
  patch["responses"]["200"] = answer("the levels", json_content(schema));
  paths["/v1/log"]["patch"] = std::move(patch);
  paths["/v1/log/lines"] = plain_path("getLogLines", "The last lines of the log");
  paths["/v1/log/lines"]["get"]["parameters"] = {parameter(
      "limit", "query", {{"type", "integer"}, {"minimum", 1}, {"maximum", 1'000}, {"default", 100}}, "lines")};
  paths["/v1/log/lines"]["get"]["responses"]["200"] =
      answer("oldest first", json_content(object_schema({{"lines", list_of(text_schema())}})));
}

void add_host_paths(ordered_json& paths) {
  add_config_paths(paths);
  add_log_paths(paths);
  paths["/healthz"] = plain_path("health", "Whether the process answers");
  paths["/readyz"] = plain_path("ready", "Whether state and API serve, check by check; \"degraded\" is ready too");
  for (const char* open : {"/healthz", "/readyz"}) paths[open]["get"]["security"] = ordered_json::array();
  paths["/version"] = plain_path("version", "The host's version");
  paths["/v1/whoami"] = plain_path("whoAmI", "As whom the request was taken");
  paths["/v1/auth/token"] = token_path();
  paths["/v1/kinds"] = plain_path("listKinds", "The kinds that there are");
  paths["/v1/schema"] = plain_path("schema", "All contracts as a FileDescriptorSet", "application/x-protobuf");
  paths["/metrics"] = plain_path("metrics", "What Prometheus scrapes", "text/plain");
  add_event_paths(paths);
  paths["/v1/blobs"]["post"] = blob_upload();
}

}  // namespace

std::string describe_open_api(const contract::Schema& schema, const std::string& version) {
  ordered_json paths = ordered_json::object();
  for (const auto& kind : schema.kinds()) add_kind(paths, kind);
  add_host_paths(paths);
  ordered_json messages = describe_messages(schema);
  messages["Problem"] = problem_schema();
  messages["WatchEvent"] = watch_event_schema();
  messages["CloudEvent"] = cloud_event_schema();
  for (const auto& kind : schema.kinds()) messages[kind.message->full_name]["properties"]["plan"] = plan_schema();
  for (const auto& kind : schema.kinds()) messages[list_name(kind)] = list_schema(kind);
  const ordered_json problem =
      answer_with(answer("what is wrong", {{"application/problem+json", {{"schema", schema_ref("Problem")}}}}),
                  {"Retry-After", "X-Request-Id"});
  const ordered_json document = {
      {"openapi", "3.1.0"},
      {"info", {{"title", "NovaCron"}, {"version", version}, {"summary", "Resources of all installed plugins"}}},
      {"security", {{{"bearer", ordered_json::array()}}}},
      {"paths", std::move(paths)},
      {"components",
       {{"schemas", std::move(messages)},
        {"parameters", parameters()},
        {"responses", {{"problem", problem}}},
        {"headers", headers()},
        {"securitySchemes", {{"bearer", {{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"}}}}}}}};
  return document.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace novacron::host::api
