// Changes of many objects: a page of a list at once, each object by itself, and what became of each.
#include <nlohmann/json.hpp>

#include "host/api/problem.h"
#include "host/api/resource_api.h"
#include "host/api/resource_request.h"

namespace novacron::host::api {
namespace {

using nlohmann::ordered_json;
using resource::ObjectRef;
using resource::WriteOptions;

ordered_json item_of(const ObjectRef& ref, const char* state) {
  ordered_json item = {{"name", ref.name}, {"uid", ref.uid}, {"state", state}};
  if (!ref.tenant.empty()) item["tenant"] = ref.tenant;
  return item;
}

/// Why nothing became of it.
ordered_json refused_item(const ObjectRef& ref, const char* state, const Error& error) {
  ordered_json item = item_of(ref, state);
  item["code"] = host::to_string(error.code);
  item["reason"] = error.reason;
  item["detail"] = error.message;
  for (const auto& field : error.fields) item["fields"].push_back({{"path", field.path}, {"message", field.message}});
  return item;
}

/// Of one request: the log of refusals is for everybody, and holds few.
constexpr size_t kMaxNotedRefusals = 100;

/// DELETING while finalizers are left, KEPT with why it is still there.
ordered_json item_of(const resource::Removal& removal) {
  if (removal.error) return refused_item(removal.ref, "KEPT", *removal.error);
  return item_of(removal.ref, removal.deleting ? "DELETING" : "DELETED");
}

ordered_json item_of(const resource::WriteResult& written) {
  const auto& object = written.object;
  ordered_json item = item_of(object.ref, written.changed ? "CHANGED" : "UNCHANGED");
  item["revision"] = object.revision;
  item["generation"] = object.generation;
  item["operation"] = written.operation;
  return item;
}

ordered_json item_of(const ObjectRef& ref, const resource::ActionResult& result) {
  if (const auto* written = std::get_if<resource::WriteResult>(&result)) return item_of(*written);
  ordered_json item = item_of(ref, "STARTED");
  if (const auto* operation = std::get_if<resource::ObjectView>(&result)) item["operation"] = operation->ref.name;
  return item;
}

Response page_response(ordered_json items, const std::string& next_page_token, uint64_t revision) {
  const ordered_json json = {{"items", std::move(items)}, {"next_page_token", next_page_token}, {"revision", revision}};
  return json_response(200, json.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

/// Each object's part of a request that is repeated with its key.
WriteOptions options_for(const ObjectRef& ref, const WriteOptions& all) {
  WriteOptions options = all;
  if (options.idempotency) options.idempotency->path += "#" + ref.uid;
  return options;
}

}  // namespace

Status ResourceApi::check_many(const Call& call, const Place& place) const {
  if (place.tenant.empty() && place.kind->scope == contract::Scope::kTenant) {
    return Error{Code::kInvalidArgument, "a change of many " + place.kind->plural + " is of one tenant: /v1/tenants/…",
                 "http.path"};
  }
  if (call.request.headers.get("If-Match").empty() && call.request.headers.get("If-None-Match").empty()) return {};
  return Error{Code::kInvalidArgument, "If-Match is for a change of one object", "http.if-match"};
}

Result<Response> ResourceApi::remove_many(const Call& call, const Place& place) {
  if (place.tenant.empty() && place.kind->scope == contract::Scope::kTenant)
    return method_not_allowed(call.request, "GET, POST");  // a deletion is of one tenant
  const Query& query = call.uri.query;
  TRY_STATUS(query.only({"version", "label_selector", "field_selector", "all", "limit", "page_token", "dry_run"}));
  const auto options = TRY(selection(call, *place.kind, place.tenant));
  const bool dry_run = TRY(query.flag("dry_run"));
  const auto effect = dry_run ? resource::Effect::kDryRun : resource::Effect::kCommit;
  const auto page = TRY(store_.remove_listed(call.context, options, effect));
  ordered_json items = ordered_json::array();
  size_t noted = 0;
  for (const auto& removal : page.removals) {
    if (removal.error && noted++ < kMaxNotedRefusals) note_refusal(call, "delete", removal.ref, *removal.error);
    items.push_back(item_of(removal));
  }
  return page_response(std::move(items), page.next_page_token, page.revision);
}

/// `change(ref, options)` gives the item of a changed object.
template <class ChangeOne>
Result<Response> ResourceApi::change_many(const Call& call, const Place& place, std::string_view verb,
                                          const ChangeOne& change) {
  const auto which = TRY(selection(call, *place.kind, place.tenant));
  const auto options = TRY(write_options(call));
  const auto page = TRY(store_.list(call.context, which));
  ordered_json items = ordered_json::array();
  size_t noted = 0;
  for (const auto& object : page.objects) {
    Result<ordered_json> item = change(object.ref, options_for(object.ref, options));
    if (!item.ok() && noted++ < kMaxNotedRefusals) note_refusal(call, verb, object.ref, item.error());
    items.push_back(item.ok() ? *std::move(item) : refused_item(object.ref, "REFUSED", item.error()));
  }
  return page_response(std::move(items), page.next_page_token, page.revision);
}

Result<Response> ResourceApi::patch_many(const Call& call, const Place& place) {
  TRY_STATUS(check_many(call, place));
  TRY_STATUS(check_content_type(call.request, {kMergePatch, kJson, kJsonPatch, kApplyPatch}));
  TRY_STATUS(call.uri.query.only({"version", "label_selector", "field_selector", "all", "limit", "page_token",
                                  "dry_run", "field_manager", "force"}));
  const auto change = [&](const ObjectRef& ref, const WriteOptions& options) -> Result<ordered_json> {
    return item_of(TRY(patch(call, ref, options)));
  };
  return change_many(call, place, change_verb(call), change);
}

Result<Response> ResourceApi::collection_verb(const Call& call, const CollectionVerbRoute& route) {
  const auto place = TRY(place_of(route.tenant, route.segment));
  if (call.request.method != Method::kPost) return method_not_allowed(call.request, "POST");
  TRY_STATUS(check_many(call, place));
  TRY_STATUS(check_content_type(call.request, {kJson}));
  TRY_STATUS(
      call.uri.query.only({"version", "label_selector", "field_selector", "all", "limit", "page_token", "dry_run"}));
  const auto* action = place.kind->find_action(route.verb);
  if (action == nullptr && place.kind->find_verb(route.verb) == nullptr) {
    return Error{Code::kNotFound, "a " + place.kind->name + " has no verb \"" + route.verb + "\"",
                 "resource.unknown-verb"};
  }
  if (action != nullptr && (action->read_only || action->stream != contract::ActionStream::kNone)) {
    return Error{Code::kInvalidArgument, route.verb + " is of one object: its answer is what it is for",
                 "action.of-one-object"};
  }
  const auto change = [&](const ObjectRef& ref, const WriteOptions& options) -> Result<ordered_json> {
    return item_of(ref, TRY(actions_.run(call.context, {ref, route.verb, call.request.body, options})));
  };
  return change_many(call, place, route.verb, change);
}

}  // namespace novacron::host::api
