#include "host/api/gateway.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/api/deprecation.h"
#include "host/api/kinds.h"
#include "host/api/openapi.h"
#include "host/api/problem.h"
#include "host/api/task_api.h"
#include "host/api/traced_sink.h"
#include "host/api/tracing.h"
#include "host/base/clock.h"
#include "host/base/log.h"
#include "host/contract/time_text.h"
#include "host/contract/units.h"
#include "host/trace/scope.h"

namespace novacron::host::api {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kMetricsKind = "novacron.core/Metrics";
constexpr std::string_view kUnknownRoute = "unknown";
constexpr uint64_t kNsPerSecond = 1'000'000'000;

Response to_response(const ordered_json& json, int status = 200) {
  return json_response(status, json.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

bool reads(const Request& request) {
  return request.method == Method::kGet || request.method == Method::kHead;
}

Error invalid_field(std::string path, std::string message) {
  Error error{Code::kInvalidArgument, path + ": " + message, "field.invalid"};
  error.fields.push_back({std::move(path), std::move(message)});
  return error;
}

/// "8h", or seconds as a number.
Result<uint64_t> lifetime_of(const nlohmann::json& value) {
  if (value.is_number_unsigned()) return value.get<uint64_t>();
  if (!value.is_string()) return invalid_field("ttl", "a duration such as \"8h\", or a number of seconds");
  const auto lifetime_ns = contract::parse_with_unit(contract::Unit::kDuration, value.get_ref<const std::string&>());
  if (!lifetime_ns.ok()) return invalid_field("ttl", lifetime_ns.error().message);
  return *lifetime_ns / kNsPerSecond;
}

Result<auth::TokenRequest> token_request(const Request& request) {
  TRY_STATUS(check_content_type(request, {"application/json"}));
  const auto json = nlohmann::json::parse(request.body.empty() ? "{}" : request.body, nullptr, false);
  if (!json.is_object()) return Error{Code::kInvalidArgument, "the body must be a JSON object", "json.invalid"};
  auth::TokenRequest wanted;
  for (const auto& [name, value] : json.items()) {
    std::string* text = name == "credential" ? &wanted.credential
                        : name == "user"     ? &wanted.user
                        : name == "role"     ? &wanted.role
                        : name == "tenant"   ? &wanted.tenant
                                             : nullptr;
    if (name == "ttl")
      wanted.lifetime_s = TRY(lifetime_of(value));
    else if (text == nullptr)
      return invalid_field(name, "expected are credential, user, role, tenant, ttl");
    else if (!value.is_string())
      return invalid_field(name, "it must be a text");
    else
      *text = value.get<std::string>();
  }
  return wanted;
}

Response who_is(const auth::Identity& identity) {
  return to_response({{"principal", identity.principal}, {"tenant", identity.tenant}, {"roles", identity.roles}});
}

}  // namespace

Gateway::Gateway(Parts parts)
    : parts_(std::move(parts)),
      resources_(parts_.resources, parts_.actions, parts_.pool),
      blobs_(parts_.blobs, parts_.resources, parts_.authorizer),
      extensions_(parts_.caller, parts_.resources, parts_.authorizer),
      host_(parts_.control, parts_.resources, parts_.authorizer),
      events_({parts_.bus, parts_.authorizer, parts_.node}) {
  parts_.metrics.add([stats = stats_](metrics::Sink& sink) { stats->tell(sink); });
}
Gateway::~Gateway() = default;

bool Gateway::streams_body(const Request& head) const {
  const auto uri = parse_uri(head.target);
  if (!uri.ok()) return false;
  const auto route = route_of(*uri);
  return route.ok() && BlobApi::streams_body(head.method, *route);
}

Response Gateway::handle(const Request& request) {
  const uint64_t begun_ns = system_clock().monotonic_ns();
  RequestSpan span(parts_.tracer, request);
  const trace::Scope scope(parts_.tracer, span.context());
  std::string route(kUnknownRoute);
  auto answered = answer(request, route);
  auto response = answered.ok() ? *std::move(answered) : problem(answered.error(), request.id);
  const bool failed = !answered.ok() && response.status >= 500;
  if (failed || !reads(request)) {
    log(failed ? LogLevel::kWarn : LogLevel::kDebug, "api", "request",
        {{"method", to_string(request.method)},
         {"path", std::string_view(request.target).substr(0, request.target.find('?'))},
         {"status", response.status},
         {"reason", answered.ok() ? "" : answered.error().reason},
         {"request", request.id}});
  }
  span.answered(route, response.status, answered.ok() ? "" : answered.error().reason);
  stats_->record(route, request.method, response.status, system_clock().monotonic_ns() - begun_ns);
  return response;
}

std::variant<Response, std::unique_ptr<BodySink>> Gateway::begin(const Request& head) {
  auto span = std::make_unique<RequestSpan>(parts_.tracer, head);
  const trace::Scope scope(parts_.tracer, span->context());
  std::string route(kUnknownRoute);
  auto sink = begin_upload(head, route);
  if (sink.ok()) return traced(*std::move(sink), parts_.tracer, std::move(span), route);
  auto refusal = problem(sink.error(), head.id);
  span->answered(route, refusal.status, sink.error().reason);
  return refusal;
}

Result<std::unique_ptr<BodySink>> Gateway::begin_upload(const Request& head, std::string& label) {
  const auto uri = TRY(parse_uri(head.target));
  const auto route = TRY(route_of(uri));
  label = label_of(route, uri);
  const Call call{head, uri, TRY(context_of(head))};
  return blobs_.begin(call, route);
}

bool Gateway::pipes_body(const Request& head) const {
  return ExtensionApi::pipes_body(head);
}

std::variant<Response, std::shared_ptr<BodyPipe>> Gateway::pipe(const Request& head) {
  auto span = std::make_unique<RequestSpan>(parts_.tracer, head);
  const trace::Scope scope(parts_.tracer, span->context());
  std::string route(kUnknownRoute);
  auto pipe = begin_pipe(head, route);
  if (pipe.ok()) return traced(*std::move(pipe), parts_.tracer, std::move(span), route);
  auto refusal = problem(pipe.error(), head.id);
  span->answered(route, refusal.status, pipe.error().reason);
  return refusal;
}

Result<std::shared_ptr<BodyPipe>> Gateway::begin_pipe(const Request& head, std::string& label) {
  const auto uri = TRY(parse_uri(head.target));
  const auto route = TRY(route_of(uri));
  label = label_of(route, uri);
  const auto* place = std::get_if<ExtensionRoute>(&route);
  if (place == nullptr) return Error{Code::kNotFound, "there is nothing here", "http.path"};
  const Call call{head, uri, TRY(context_of(head))};
  return extensions_.pipe(call, *place);
}

Result<auth::ContextPtr> Gateway::context_of(const Request& request) const {
  auto context = std::make_shared<auth::Context>();
  context->identity = TRY(parts_.authenticator.authenticate(request.peer, request.headers.get("Authorization")));
  context->node = parts_.node;
  context->trace_parent = trace::trace_parent_or(request.trace_parent);
  context->request_id = request.id;
  return auth::ContextPtr(std::move(context));
}

std::string Gateway::label_of(const Route& route, const Uri& uri) const {
  return describe(route, uri, [schema = parts_.resources.schema()](const std::string& segment) {
    return schema->find_segment(segment) != nullptr;
  });
}

Result<Response> Gateway::answer(const Request& request, std::string& label) {
  const auto uri = TRY(parse_uri(request.target));
  const auto route = route_of(uri);
  if (route.ok()) label = label_of(*route, uri);
  if (uri.path == "/healthz") return to_response({{"status", "ok"}});
  if (uri.path == "/readyz") return ready();
  if (uri.path == "/v1/auth/token") return issue_token(request);
  const Call call{request, uri, TRY(context_of(request))};
  if (!route.ok()) return route.error();
  auto response = answer_at(call, *route);
  const auto schema = parts_.resources.schema();
  const auto* deprecation = find_deprecation(*route, *schema);
  if (response.ok() && deprecation != nullptr) add_headers(*deprecation, *response);
  return response;
}

Result<Response> Gateway::answer_at(const Call& call, const Route& route) {
  if (const auto* which = std::get_if<Endpoint>(&route)) return endpoint(call, *which);
  if (const auto* place = std::get_if<CollectionRoute>(&route)) return resources_.collection(call, *place);
  if (const auto* place = std::get_if<CollectionVerbRoute>(&route)) return resources_.collection_verb(call, *place);
  if (const auto* place = std::get_if<ObjectRoute>(&route)) return resources_.object(call, *place);
  if (const auto* place = std::get_if<VerbRoute>(&route)) return resources_.verb(call, *place);
  if (const auto* place = std::get_if<BlobRoute>(&route)) return blobs_.download(call, *place);
  if (const auto* place = std::get_if<ExtensionRoute>(&route)) return extensions_.handle(call, *place);
  return blobs_.upload(call, std::get<UploadRoute>(route));
}

Result<Response> Gateway::endpoint(const Call& call, Endpoint which) {
  if (HostApi::serves(which)) return host_.handle(call, which);
  if (!reads(call.request)) return method_not_allowed(call.request, "GET");
  switch (which) {
    case Endpoint::kVersion:
      return to_response({{"version", parts_.version}, {"api", "v1"}, {"node", parts_.node}});
    case Endpoint::kWhoAmI:
      return who_is(call.context->identity);
    case Endpoint::kSchema:
      return schema(call);
    case Endpoint::kKinds:
      return json_response(200, describe_kinds(*parts_.resources.schema()));
    case Endpoint::kOpenApi:
      return open_api(call);
    case Endpoint::kEvents:
      return events_.events(call);
    case Endpoint::kTasks:
      return list_tasks(call, parts_.resources);
    case Endpoint::kMetrics:
      return scrape(call);
    case Endpoint::kHealth:
    case Endpoint::kReady:
    case Endpoint::kToken:  // answered without a context
    default:
      break;
  }
  return Error{Code::kNotFound, "there is nothing here", "http.path"};
}

Result<Response> Gateway::issue_token(const Request& request) {
  if (request.method != Method::kPost) return method_not_allowed(request, "POST");
  const auto wanted = TRY(token_request(request));
  const auto token = TRY(parts_.authenticator.login(request.peer, wanted));
  const auto expires_at = contract::format_timestamp({static_cast<int64_t>(token.expires_at_s), 0});
  return to_response({{"token", token.text}, {"token_type", "Bearer"}, {"expires_at", expires_at}});
}

Response Gateway::ready() const {
  const auto checks = parts_.checks();
  const auto well = [](const Check& check) { return check.ok; };
  const bool degraded = !std::all_of(checks.begin(), checks.end(), well);
  const bool all = std::all_of(checks.begin(), checks.end(), [](const Check& c) { return c.ok || !c.required; });
  const char* const status = !all ? "not ready" : degraded ? "degraded" : "ready";
  ordered_json body = {{"status", status}, {"checks", ordered_json::array()}};
  std::string failed;
  for (const auto& check : checks) {
    body["checks"].push_back({{"name", check.name}, {"ok", check.ok}, {"message", check.message}});
    if (!check.ok) failed += (failed.empty() ? "" : "; ") + check.name + ": " + check.message;
  }
  if (!all) {
    body["code"] = host::to_string(Code::kUnavailable);
    body["reason"] = "api.not-ready";
    body["detail"] = failed;
  }
  return to_response(body, all ? 200 : 503);
}

Result<Response> Gateway::schema(const Call& call) const {
  const auto schema = parts_.resources.schema();
  Response response;
  response.headers.set("ETag", "\"" + schema->digest() + "\"");
  response.headers.set("Content-Type", "application/x-protobuf");
  if (none_match_hits(call.request, schema->digest()))
    response.status = 304;
  else
    response.body = schema->serialize();
  return response;
}

Result<Response> Gateway::open_api(const Call& call) {
  const auto schema = parts_.resources.schema();
  std::lock_guard lock(open_api_mutex_);
  if (open_api_digest_ != schema->digest()) {
    open_api_ = describe_open_api(*schema, parts_.version);
    open_api_digest_ = schema->digest();
  }
  auto response = json_response(200, open_api_);
  response.headers.set("ETag", "\"" + open_api_digest_ + "\"");
  if (none_match_hits(call.request, open_api_digest_)) {
    response.status = 304;
    response.body = std::string();
  }
  return response;
}

Result<Response> Gateway::scrape(const Call& call) const {
  TRY_STATUS(parts_.authorizer.authorize(*call.context, {"get", std::string(kMetricsKind), "", ""}));
  Response response;
  response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  response.body = parts_.metrics.text();
  return response;
}

}  // namespace novacron::host::api
