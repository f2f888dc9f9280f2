// What requests for resources say in their queries and headers.
#pragma once

#include "host/api/call.h"
#include "host/resource/store.h"

namespace novacron::host::api {

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kMergePatch = "application/merge-patch+json";
inline constexpr std::string_view kJsonPatch = "application/json-patch+json";
inline constexpr std::string_view kApplyPatch = "application/apply-patch+json";

/// The version of the kind that ?version=v1 asks for; without it the newest. NOT_FOUND "resource.unknown-version".
Result<const contract::Kind*> spoken_kind(const Call& call, const contract::Kind& kind);
/// What a PUT or a PATCH does: "apply" or "update".
std::string_view change_verb(const Call& call);
/// If-Match, Idempotency-Key, dry_run and version.
Result<resource::WriteOptions> write_options(const Call& call);
/// What a list and a change of many take: label_selector, field_selector, limit and page_token.
Result<resource::ListOptions> list_options(const Call& call, const contract::Kind& kind, const std::string& tenant);
/// Of a change of many, which has to say which: by a selector, or by all=true. INVALID_ARGUMENT "resource.unselective".
Result<resource::ListOptions> selection(const Call& call, const contract::Kind& kind, const std::string& tenant);

}  // namespace novacron::host::api
