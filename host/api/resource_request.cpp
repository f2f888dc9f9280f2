#include "host/api/resource_request.h"

#include "host/api/precondition.h"

namespace novacron::host::api {

using resource::WriteOptions;

namespace {
constexpr size_t kMaxIdempotencyKeyBytes = 128;
}

Result<const contract::Kind*> spoken_kind(const Call& call, const contract::Kind& kind) {
  const std::string version = call.uri.query.text("version");
  const auto* spoken = version.empty() ? &kind : kind.find_version(version);
  if (spoken != nullptr) return spoken;
  return Error{Code::kNotFound, "there is no version " + version + " of " + kind.id, "resource.unknown-version"};
}

std::string_view change_verb(const Call& call) {
  const bool applies = check_content_type(call.request, {kApplyPatch}).ok() && !call.request.body.empty();
  return applies ? "apply" : "update";
}

Result<WriteOptions> write_options(const Call& call) {
  WriteOptions options;
  options.version = call.uri.query.text("version");
  options.if_match = TRY(if_match(call.request));
  if (TRY(call.uri.query.flag("dry_run"))) options.effect = resource::Effect::kDryRun;
  const auto key = call.request.headers.get("Idempotency-Key");
  if (key.empty()) return options;
  if (key.size() > kMaxIdempotencyKeyBytes)
    return Error{Code::kInvalidArgument, "an Idempotency-Key has at most 128 bytes", "http.idempotency-key"};
  options.idempotency = resource::Idempotency{std::string(key), std::string(to_string(call.request.method)),
                                              call.request.target, call.request.body};
  return options;
}

Result<resource::ListOptions> list_options(const Call& call, const contract::Kind& kind, const std::string& tenant) {
  const Query& query = call.uri.query;
  resource::ListOptions options;
  options.version = call.uri.query.text("version");
  options.kind = kind.id;
  options.tenant = tenant;
  options.label_selector = query.text("label_selector");
  options.field_selector = query.text("field_selector");
  options.page_token = query.text("page_token");
  options.page_size = TRY(query.number("limit", 0));
  return options;
}

Result<resource::ListOptions> selection(const Call& call, const contract::Kind& kind, const std::string& tenant) {
  auto options = TRY(list_options(call, kind, tenant));
  const bool all = TRY(call.uri.query.flag("all"));
  if (all || !options.label_selector.empty() || !options.field_selector.empty()) return options;
  return Error{Code::kInvalidArgument, "say which by label_selector or field_selector, or all=true for all of them",
               "resource.unselective"};
}

}  // namespace novacron::host::api
