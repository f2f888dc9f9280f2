#include "host/api/host_api.h"

#include <nlohmann/json.hpp>

#include "host/base/log.h"

namespace novacron::host::api {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::string_view kConfigKind = "novacron.core/Config";
constexpr std::string_view kLogKind = "novacron.core/Log";
constexpr size_t kDefaultLines = 100;

auth::Access access(std::string_view verb, std::string_view kind) {
  return {std::string(verb), std::string(kind), "", ""};
}

bool reads(const Call& call) {
  return call.request.method == Method::kGet || call.request.method == Method::kHead;
}

Response to_response(const ordered_json& value) {
  return json_response(200, value.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

Error invalid_field(std::string path, std::string message) {
  Error error{Code::kInvalidArgument, path + ": " + message, "field.invalid"};
  error.fields.push_back({std::move(path), std::move(message)});
  return error;
}

ordered_json levels_json(const LogSettings& settings) {
  ordered_json levels = ordered_json::object();
  for (const auto& [subject, level] : settings.levels) levels[subject] = to_string(level);
  return {{"level", to_string(settings.level)}, {"levels", std::move(levels)}};
}

Result<LogLevel> level_of(const std::string& path, const json& value) {
  const auto level = value.is_string() ? log_level_named(value.get_ref<const std::string&>()) : std::nullopt;
  if (level) return *level;
  return invalid_field(path, "expected is debug, info, warn or error");
}

/// null takes a subject's own level away.
Status patch_subjects(const json& patch, LogSettings& settings) {
  if (!patch.is_object()) return invalid_field("levels", "expected are levels by subject");
  for (const auto& [subject, value] : patch.items()) {
    const std::string path = "levels." + subject;
    if (!is_log_subject(subject)) return invalid_field(path, "a subject has lower-case letters, digits and . - _");
    if (value.is_null())
      settings.levels.erase(subject);
    else
      settings.levels[subject] = TRY(level_of(path, value));
  }
  if (settings.levels.size() <= kMaxLogSubjects) return {};
  return invalid_field("levels", "at most " + std::to_string(kMaxLogSubjects) + " subjects");
}

Result<LogSettings> patched(LogSettings settings, const std::string& body) {
  const json patch = json::parse(body, nullptr, false);
  if (!patch.is_object()) return Error{Code::kInvalidArgument, "the body must be a JSON object", "json.invalid"};
  for (const auto& [name, value] : patch.items()) {
    if (name == "level")
      settings.level = TRY(level_of(name, value));
    else if (name == "levels")
      TRY_STATUS(patch_subjects(value, settings));
    else
      return invalid_field(name, "expected are level, levels");
  }
  return settings;
}

}  // namespace

bool HostApi::serves(Endpoint which) {
  return which == Endpoint::kConfig || which == Endpoint::kReload || which == Endpoint::kLog ||
         which == Endpoint::kLogTail;
}

Result<Response> HostApi::handle(const Call& call, Endpoint which) {
  if (which == Endpoint::kReload) return reload(call);
  if (which == Endpoint::kConfig) return settings(call);
  if (which == Endpoint::kLogTail) return log_lines(call);
  return call.request.method == Method::kPatch ? set_log_levels(call) : log_levels(call);
}

Result<Response> HostApi::settings(const Call& call) {
  if (!reads(call)) return method_not_allowed(call.request, "GET, HEAD");
  TRY_STATUS(authorizer_.authorize(*call.context, access("get", kConfigKind)));
  return json_response(200, control_.settings());
}

Result<Response> HostApi::reload(const Call& call) {
  if (call.request.method != Method::kPost) return method_not_allowed(call.request, "POST");
  TRY_STATUS(authorizer_.authorize(*call.context, access("reload", kConfigKind)));
  return json_response(200, TRY(control_.reload(call.context)));
}

Result<Response> HostApi::log_levels(const Call& call) {
  if (!reads(call)) return method_not_allowed(call.request, "GET, HEAD, PATCH");
  TRY_STATUS(authorizer_.authorize(*call.context, access("get", kLogKind)));
  return to_response(levels_json(log_settings()));
}

Result<Response> HostApi::set_log_levels(const Call& call) {
  TRY_STATUS(authorizer_.authorize(*call.context, access("update", kLogKind)));
  TRY_STATUS(check_content_type(call.request, {"application/merge-patch+json"}));
  std::lock_guard lock(levels_mutex_);
  LogSettings settings = TRY(patched(log_settings(), call.request.body));
  const ordered_json levels = levels_json(settings);
  TRY_STATUS(resources_.audit(call.context, "update", {std::string(kLogKind), "", ""}, levels.dump()));
  log_configure(std::move(settings));
  log_info("api", "log levels changed", {{"by", call.context->identity.principal}, {"levels", levels.dump()}});
  return to_response(levels);
}

Result<Response> HostApi::log_lines(const Call& call) {
  if (!reads(call)) return method_not_allowed(call.request, "GET, HEAD");
  TRY_STATUS(authorizer_.authorize(*call.context, access("get", kLogKind)));
  TRY_STATUS(call.uri.query.only({"limit"}));
  const uint64_t limit = TRY(call.uri.query.number("limit", kDefaultLines));
  if (limit == 0 || limit > kMaxLogTailLines)
    return invalid_field("limit", "expected is a number from 1 to " + std::to_string(kMaxLogTailLines));
  return to_response({{"lines", log_tail(limit)}});
}

}  // namespace novacron::host::api
