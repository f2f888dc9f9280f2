#include "host/api/task_api.h"

#include <nlohmann/json.hpp>

#include "host/contract/time_text.h"

namespace novacron::host::api {
namespace {

using nlohmann::ordered_json;

constexpr uint64_t kNsPerSecond = 1'000'000'000;

void add(ordered_json& json, const char* name, const std::string& text) {
  if (!text.empty()) json[name] = text;
}

ordered_json json_of(const resource::Task& task) {
  const auto seconds = static_cast<int64_t>(task.time_ns / kNsPerSecond);
  const auto nanos = static_cast<int32_t>(task.time_ns % kNsPerSecond);
  ordered_json json = {{"time", contract::format_timestamp({seconds, nanos})}, {"principal", task.principal}};
  if (!task.plugins.empty()) json["plugins"] = task.plugins;
  add(json, "verb", task.verb);
  add(json, "kind", task.object.kind);
  add(json, "tenant", task.object.tenant);
  add(json, "name", task.object.name);
  add(json, "uid", task.object.uid);
  add(json, "outcome", task.outcome);
  add(json, "reason", task.reason);
  add(json, "message", task.message);
  add(json, "operation", task.operation);
  add(json, "request_id", task.request_id);
  add(json, "command", task.command);
  return json;
}

/// "group/Kind/name", or "group/Kind" for all of them.
Status read_object(const std::string& text, resource::ObjectRef& object) {
  const size_t group = text.find('/');
  const size_t name = group == std::string::npos ? group : text.find('/', group + 1);
  const bool fits = group != std::string::npos && (name == std::string::npos || text.find('/', name + 1) == text.npos);
  if (!fits) return Error{Code::kInvalidArgument, "object: must be group/Kind/name", "http.query"};
  object.kind = text.substr(0, name);
  if (name != std::string::npos) object.name = text.substr(name + 1);
  return {};
}

}  // namespace

Result<Response> list_tasks(const Call& call, resource::Store& store) {
  const Query& query = call.uri.query;
  TRY_STATUS(query.only({"object", "tenant", "principal", "verb", "outcome", "limit", "page_token"}));
  resource::TaskQuery wanted;
  if (query.find("object") != nullptr) TRY_STATUS(read_object(query.text("object"), wanted.object));
  wanted.object.tenant = query.text("tenant");
  wanted.principal = query.text("principal");
  wanted.verb = query.text("verb");
  wanted.outcome = query.text("outcome");
  wanted.limit = TRY(query.number("limit", wanted.limit));
  wanted.page_token = query.text("page_token");
  const auto page = TRY(store.tasks(call.context, std::move(wanted)));
  ordered_json json = {{"items", ordered_json::array()}};
  for (const auto& task : page.tasks) json["items"].push_back(json_of(task));
  json["next_page_token"] = page.next_token;
  return json_response(200, json.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

}  // namespace novacron::host::api
