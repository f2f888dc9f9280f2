#include "host/daemon/control.h"

#include <nlohmann/json.hpp>

#include "host/base/log.h"

namespace novacron::host::daemon {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kComponent = "config";
constexpr const char* kConfigKind = "novacron.core/Config";

std::string text_of(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

void tell(bus::Bus& bus, const char* subject, const ordered_json& body) {
  const Status told = bus.publish({.subject = subject, .body = std::make_shared<const std::string>(text_of(body))});
  if (!told.ok()) log_warn(kComponent, "cannot tell", {{"subject", subject}, {"error", told.error().message}});
}

}  // namespace

std::string Control::settings() const {
  return text_of(parts_.config.describe());
}

Result<std::string> Control::reload(const auth::ContextPtr& context) {
  const std::string& by = context->identity.principal;
  // Before it is done: what cannot be recorded does not happen, unless it is the machine's own administrator who asks.
  const Status recorded = parts_.store.audit(context, "reload", {kConfigKind, "", ""}, "");
  if (!recorded.ok() && by != auth::kHostPrincipal) return recorded.error();
  const auto reloaded = parts_.config.reload(parts_.apply);
  if (!reloaded.ok()) {
    log_error(kComponent, "settings refused, those before stay", {{"by", by}, {"why", reloaded.error().message}});
    tell(parts_.bus, "config.refused", {{"by", by}, {"why", reloaded.error().message}});
    return reloaded.error();
  }
  log_info(
      kComponent, "settings read again",
      {{"by", by}, {"changed", joined(reloaded->changed)}, {"restart_required", joined(reloaded->restart_required)}});
  const ordered_json reply = {{"changed", reloaded->changed}, {"restart_required", reloaded->restart_required}};
  ordered_json event = reply;
  event["by"] = by;
  tell(parts_.bus, "config.reloaded", event);
  return text_of(reply);
}

}  // namespace novacron::host::daemon
