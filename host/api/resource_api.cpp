#include "host/api/resource_api.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "host/api/precondition.h"
#include "host/api/problem.h"
#include "host/api/resource_request.h"
#include "host/api/watch_feed.h"
#include "host/contract/field_mask.h"
#include "host/contract/json_text.h"
#include "host/resource/controllers.h"

namespace novacron::host::api {
namespace {

using resource::ObjectRef;
using resource::ObjectView;
using resource::WriteOptions;

std::string path_of(const ObjectView& object) {
  const std::string tenant = object.ref.tenant.empty() ? "" : "/tenants/" + percent_encode(object.ref.tenant);
  return "/v1" + tenant + "/" + object.kind->segment + "/" + percent_encode(object.ref.name);
}

/// The object's JSON, or the part of it that `fields` names.
Result<std::string> json_of(const ObjectView& object, const contract::FieldMask* fields) {
  auto text = TRY(resource::to_json(object));
  if (fields == nullptr) return text;
  auto json = TRY(contract::parse_json(text));
  fields->keep(json);
  return json.dump();
}

/// None: all of them.
Result<std::optional<contract::FieldMask>> fields_of(const Call& call, const contract::Kind& kind) {
  if (call.uri.query.find("fields") == nullptr) return std::optional<contract::FieldMask>();
  const auto* spoken = TRY(spoken_kind(call, kind));
  return std::optional(TRY(contract::FieldMask::parse(*spoken->message, call.uri.query.text("fields"))));
}

Result<Response> object_response(int status, const ObjectView& object, const contract::FieldMask* fields = nullptr) {
  auto response = json_response(status, TRY(json_of(object, fields)));
  if (object.revision != 0) response.headers.set("ETag", "\"" + resource::etag(object) + "\"");
  return response;
}

/// What a dry run found, as a further member of the object's JSON.
void add_plan(const std::vector<resource::PlannedEffect>& effects, Response& response) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& effect : effects) {
    nlohmann::ordered_json item = {{"subject", effect.subject}, {"action", effect.action}, {"text", effect.text}};
    if (!effect.by.empty()) item["by"] = effect.by;
    list.push_back(std::move(item));
  }
  auto& text = std::get<std::string>(response.body);
  text.pop_back();
  text += R"(,"plan":{"effects":)" + list.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "}}";
}

Result<Response> write_response(int status, const resource::WriteResult& written) {
  auto response = TRY(object_response(status, written.object));
  if (!written.effects.empty()) add_plan(written.effects, response);
  if (!written.operation.empty()) response.headers.set("Operation", written.operation);
  if (written.replayed) response.headers.set("Idempotency-Replayed", "true");
  if (status == 201) response.headers.set("Location", path_of(written.object));
  return response;
}

Result<Response> action_response(resource::ActionResult result, resource::Effect effect) {
  if (const auto* written = std::get_if<resource::WriteResult>(&result)) return write_response(200, *written);
  if (const auto* operation = std::get_if<ObjectView>(&result)) {
    if (effect == resource::Effect::kDryRun) return object_response(200, *operation);
    auto response = TRY(object_response(202, *operation));
    response.headers.set("Location", path_of(*operation));
    return response;
  }
  auto& reply = std::get<resource::ActionReply>(result);
  if (reply.fds.empty()) return json_response(200, std::move(reply.json));
  Response response;
  response.body = BridgeBody{std::move(reply.fds.front())};
  return response;
}

}  // namespace

Result<ResourceApi::Place> ResourceApi::place_of(const std::string& tenant, const std::string& segment) const {
  Place place{store_.schema(), nullptr, tenant};
  place.kind = place.schema->find_segment(segment);
  if (place.kind == nullptr) {
    return Error{Code::kNotFound,
                 "there is no kind \"" + segment + "\"; /v1/kinds lists them, and a plugin brings its own",
                 "resource.unknown-kind"};
  }
  if (!tenant.empty() && place.kind->scope == contract::Scope::kHost)
    return Error{Code::kNotFound, place.kind->plural + " belong to no tenant: they are at /v1/" + segment, "http.path"};
  return place;
}

Result<Response> ResourceApi::collection(const Call& call, const CollectionRoute& route) {
  const auto place = TRY(place_of(route.tenant, route.segment));
  if (call.request.method == Method::kPost)
    return noted(call, "create", {place.kind->id, place.tenant, ""}, create(call, place));
  if (call.request.method == Method::kDelete) return remove_many(call, place);
  if (call.request.method == Method::kPatch) return patch_many(call, place);
  if (call.request.method != Method::kGet && call.request.method != Method::kHead)
    return method_not_allowed(call.request, "GET, POST, PATCH, DELETE");
  const bool watches = TRY(call.uri.query.flag("watch"));
  return watches ? watch(call, place) : list(call, place);
}

Result<Response> ResourceApi::list(const Call& call, const Place& place) {
  const Query& query = call.uri.query;
  TRY_STATUS(query.only(
      {"version", "label_selector", "field_selector", "order_by", "limit", "page_token", "at", "fields", "watch"}));
  auto options = TRY(list_options(call, *place.kind, place.tenant));
  options.order_by = query.text("order_by");
  options.at_revision = TRY(query.number("at", 0));
  const auto fields = TRY(fields_of(call, *place.kind));
  auto page = TRY(store_.list(call.context, options));
  std::string json = "{\"items\":[";
  for (auto& object : page.objects) {
    store_.controllers().tell(object);
    if (json.back() != '[') json += ',';
    json += TRY(json_of(object, fields ? &*fields : nullptr));
  }
  json += "],\"next_page_token\":\"" + page.next_page_token + "\",\"revision\":" + std::to_string(page.revision) + "}";
  return json_response(200, std::move(json));
}

Result<Response> ResourceApi::watch(const Call& call, const Place& place) {
  const Query& query = call.uri.query;
  TRY_STATUS(query.only({"version", "watch", "label_selector", "field_selector", "after_revision"}));
  resource::WatchOptions options{place.kind->id, place.tenant, query.text("label_selector")};
  options.field_selector = query.text("field_selector");
  options.version = query.text("version");
  options.after_revision = TRY(query.number("after_revision", 0));
  const auto last_id = call.request.headers.get("Last-Event-ID");  // of a client of server-sent events that comes back
  if (!last_id.empty()) {
    const auto parsed = TRY(Query::parse("after_revision=" + std::string(last_id)));
    options.after_revision = TRY(parsed.number("after_revision", 0));
  }
  Response response;
  const auto format = feed_format(call.request);
  response.headers.set("Content-Type",
                       format == FeedBody::Format::kServerSentEvents ? "text/event-stream" : "application/x-ndjson");
  auto feed = TRY(watch_resources(store_, watches_, call.context, options, framing_of(format)));
  response.body = FeedBody{std::move(feed), format};
  return response;
}

Result<Response> ResourceApi::create(const Call& call, const Place& place) {
  TRY_STATUS(call.uri.query.only({"version", "dry_run"}));
  TRY_STATUS(check_content_type(call.request, {kJson}));
  const auto options = TRY(write_options(call));
  const ObjectRef ref{place.kind->id, place.tenant, ""};
  auto written = TRY(store_.create(call.context, ref, resource::Body::json(call.request.body), options));
  show(written.object, call);
  return write_response(options.effect == resource::Effect::kDryRun ? 200 : 201, written);
}

/// As the caller is to see it.
void ResourceApi::show(ObjectView& object, const Call& call) {
  store_.controllers().tell(object);
  resource::speak(object, call.uri.query.text("version"));
}

Result<Response> ResourceApi::object(const Call& call, const ObjectRoute& route) {
  const auto place = TRY(place_of(route.tenant, route.segment));
  if (place.tenant.empty() && place.kind->scope == contract::Scope::kTenant) {
    return Error{Code::kNotFound,
                 place.kind->plural + " belong to tenants: /v1/tenants/<tenant>/" + route.segment + "/" + route.name,
                 "http.path"};
  }
  const ObjectRef ref{place.kind->id, place.tenant, route.name};
  const Method method = call.request.method;
  if (method == Method::kGet || method == Method::kHead) return get(call, *place.kind, ref);
  return noted(call, method == Method::kDelete ? "delete" : change_verb(call), ref, write(call, ref));
}

void ResourceApi::note_refusal(const Call& call, std::string_view verb, const ObjectRef& ref, const Error& why) {
  const auto dry_run = call.uri.query.flag("dry_run");
  if (http_status(why) / 100 != 4 || (dry_run.ok() && *dry_run)) return;
  store_.note_refusal(*call.context, verb, ref, why);
}

Result<Response> ResourceApi::noted(const Call& call, std::string_view verb, const ObjectRef& ref,
                                    Result<Response> answer) {
  if (!answer.ok()) note_refusal(call, verb, ref, answer.error());
  const Error precondition{Code::kAborted, "the object is not as the request said", "resource.precondition"};
  if (answer.ok() && answer->status == 412) note_refusal(call, verb, ref, precondition);
  return answer;
}

Result<Response> ResourceApi::get(const Call& call, const contract::Kind& kind, const ObjectRef& ref) {
  TRY_STATUS(call.uri.query.only({"version", "at", "fields"}));
  const auto fields = TRY(fields_of(call, kind));
  const uint64_t at_revision = TRY(call.uri.query.number("at", 0));
  auto object = TRY(store_.get(call.context, ref, at_revision));
  TRY(spoken_kind(call, kind));
  if (at_revision == 0) store_.controllers().tell(object);
  resource::speak(object, call.uri.query.text("version"));
  if (!none_match_hits(call.request, resource::etag(object)))
    return object_response(200, object, fields ? &*fields : nullptr);
  Response response;
  response.status = 304;
  response.headers.set("ETag", "\"" + resource::etag(object) + "\"");
  return response;
}

Result<Response> ResourceApi::write(const Call& call, const ObjectRef& ref) {
  if (const auto allowed = check_none_match(call, store_, ref); !allowed.ok())
    return refused_write(call, store_, ref, allowed.error());
  const auto options = TRY(write_options(call));
  auto written = change(call, ref, options);
  if (!written.ok()) return refused_write(call, store_, ref, std::move(written).error());
  show(written->object, call);
  const bool is_new = written->created && options.effect == resource::Effect::kCommit;
  return write_response(is_new ? 201 : 200, *written);
}

Result<resource::WriteResult> ResourceApi::change(const Call& call, const ObjectRef& ref, const WriteOptions& options) {
  if (call.request.method == Method::kPatch) {
    TRY_STATUS(check_content_type(call.request, {kMergePatch, kJson, kJsonPatch, kApplyPatch}));
    const bool applies = check_content_type(call.request, {kApplyPatch}).ok();
    TRY_STATUS(applies ? call.uri.query.only({"version", "dry_run", "field_manager", "force"})
                       : call.uri.query.only({"version", "dry_run"}));
    return patch(call, ref, options);
  }
  if (call.request.method == Method::kDelete) {
    TRY_STATUS(call.uri.query.only({"version", "dry_run"}));
    return store_.remove(call.context, ref, options);
  }
  if (call.request.method != Method::kPut) return method_not_allowed(call.request, "GET, PUT, PATCH, DELETE");
  TRY_STATUS(call.uri.query.only({"version", "dry_run", "update_mask"}));
  TRY_STATUS(check_content_type(call.request, {kJson}));
  auto masked = options;
  masked.update_mask = call.uri.query.text("update_mask");
  return store_.replace(call.context, ref, resource::Body::json(call.request.body), masked);
}

Result<resource::WriteResult> ResourceApi::patch(const Call& call, const ObjectRef& ref, const WriteOptions& options) {
  const auto& body = call.request.body;
  if (check_content_type(call.request, {kApplyPatch}).ok()) {
    const bool force = TRY(call.uri.query.flag("force"));
    const auto conflicts = force ? resource::Conflicts::kTakeOver : resource::Conflicts::kRefuse;
    return store_.apply(call.context, ref, call.uri.query.text("field_manager"), body, conflicts, options);
  }
  if (check_content_type(call.request, {kJsonPatch}).ok()) return store_.json_patch(call.context, ref, body, options);
  return store_.patch(call.context, ref, body, options);
}

Result<Response> ResourceApi::verb(const Call& call, const VerbRoute& route) {
  const auto place = TRY(place_of(route.tenant, route.segment));
  const auto* action = place.kind->find_action(route.verb);
  const bool reads = action != nullptr && action->read_only;
  const bool streams = action != nullptr && action->stream != contract::ActionStream::kNone;
  const bool fits = call.request.method == Method::kPost ||
                    (call.request.method == Method::kGet && (reads || call.request.is_websocket));
  if (!fits) return method_not_allowed(call.request, reads ? "GET, POST" : "POST");
  TRY_STATUS(call.uri.query.only({"version", "dry_run"}));
  TRY_STATUS(check_content_type(call.request, {kJson}));
  resource::ActionRequest request{{place.kind->id, place.tenant, route.name}, route.verb, call.request.body};
  request.options = TRY(write_options(call));
  if (streams && !call.request.is_websocket && request.options.effect == resource::Effect::kCommit)
    return Error{Code::kInvalidArgument, route.verb + " is a stream: it has to be asked for by WebSocket",
                 "http.upgrade-required"};
  auto result = actions_.run(call.context, request);
  if (!result.ok()) {
    auto answer = refused_write(call, store_, request.ref, std::move(result).error());
    return reads ? std::move(answer) : noted(call, route.verb, request.ref, std::move(answer));
  }
  if (auto* written = std::get_if<resource::WriteResult>(&*result)) show(written->object, call);
  return action_response(*std::move(result), request.options.effect);
}

}  // namespace novacron::host::api
