#include "host/resource/services/plugin_keys.h"

#include "host/resource/keys.h"

namespace novacron::host::resource {
namespace {

const std::string kAllFromHere(1, '\0');

/// Whether [begin, end) lies below `prefix`.
bool lies_below(std::string_view prefix, std::string_view begin, std::string_view end) {
  if (!begin.starts_with(prefix)) return false;
  if (end.empty()) return true;
  const state::KeyRange below = state::KeyRange::prefix(prefix);
  return end != kAllFromHere && end <= below.end;
}

Status check(const plugin::ServerCall& call, std::string_view begin, std::string_view end) {
  const auth::Grant* grant = caller_grant(call);
  if (grant == nullptr) return {};
  if (lies_below("plugin/" + grant->plugin + "/", begin, end)) return {};
  for (const std::string& prefix : grant->state) {
    if (!prefix.empty() && lies_below(prefix, begin, end)) return {};
  }
  return Error{Code::kPermissionDenied,
               "plugin " + grant->plugin + " lacks the permission state for the keys from \"" + std::string(begin) +
                   "\" on; its own begin with \"plugin/" + grant->plugin + "/\"",
               "auth.denied"};
}

std::string engine_key(const std::string& key) {
  return std::string(kPluginKeysPrefix) + key;
}

}  // namespace

Result<state::KeyRange> plugin_range(const plugin::ServerCall& call, const std::string& begin, const std::string& end) {
  TRY_STATUS(check(call, begin, end));
  if (end.empty()) return state::KeyRange::one(engine_key(begin));
  // "All from here on" ends with the keys of plugins.
  if (end == kAllFromHere) return state::KeyRange{engine_key(begin), state::KeyRange::prefix(kPluginKeysPrefix).end};
  return state::KeyRange{engine_key(begin), engine_key(end)};
}

Result<std::string> plugin_key(const plugin::ServerCall& call, const std::string& key) {
  TRY_STATUS(check(call, key, {}));
  if (key.empty()) return Error{Code::kInvalidArgument, "a key must not be empty", "state.key"};
  return engine_key(key);
}

std::string_view name_of_key(std::string_view engine_key_text) {
  return engine_key_text.substr(kPluginKeysPrefix.size());
}

}  // namespace novacron::host::resource
