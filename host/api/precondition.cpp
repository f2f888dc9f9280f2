#include "host/api/precondition.h"

#include <nlohmann/json.hpp>

#include "host/api/problem.h"

namespace novacron::host::api {
namespace {

constexpr std::string_view kPrecondition = "http.precondition";

Response precondition_failed(const Call& call, const resource::ObjectView& now, const Error& error) {
  Response response = problem(error, call.request.id);
  const std::string tag = resource::etag(now);
  auto body = nlohmann::ordered_json::parse(std::get<std::string>(response.body));
  body["current"] = {{"etag", tag}, {"revision", now.revision}, {"generation", now.generation}};
  response.headers.set("ETag", "\"" + tag + "\"");
  response.body = body.dump();
  return response;
}

}  // namespace

Status check_none_match(const Call& call, resource::Store& store, const resource::ObjectRef& ref) {
  if (call.request.headers.get("If-None-Match").empty()) return {};
  const auto now = TRY(store.get(call.context, ref));
  if (!none_match_hits(call.request, resource::etag(now))) return {};
  return Error{Code::kAborted, "the object is there, and If-None-Match says that it must not be",
               std::string(kPrecondition)};
}

Result<Response> refused_write(const Call& call, resource::Store& store, const resource::ObjectRef& ref, Error error) {
  const bool was_conditional = !call.request.headers.get("If-Match").empty();
  if (was_conditional && error.reason == "resource.conflict") error.reason = kPrecondition;
  if (error.reason != kPrecondition) return error;
  const auto now = store.get(call.context, ref);
  if (!now.ok()) return error;  // gone meanwhile, or not for this client to read
  return precondition_failed(call, *now, error);
}

}  // namespace novacron::host::api
