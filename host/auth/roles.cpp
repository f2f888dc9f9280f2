#include "host/auth/roles.h"

#include <algorithm>

namespace novacron::host::auth {
namespace {

bool contains(const std::vector<std::string>& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool reads(std::string_view verb) {
  return verb == "get" || verb == "list" || verb == "watch";
}

bool allows(const Grant& grant, const Access& access) {
  return std::any_of(grant.resources.begin(), grant.resources.end(), [&](const Grant::ResourceRule& rule) {
    return (rule.kind == "*" || rule.kind == access.kind) &&
           (contains(rule.verbs, "*") || contains(rule.verbs, access.verb));
  });
}

std::string describe(const Access& access) {
  std::string text = "\"" + access.verb + "\" on " + access.kind;
  if (!access.name.empty()) text += " \"" + access.name + "\"";
  if (!access.tenant.empty()) text += " of tenant " + access.tenant;
  return text;
}

Error denied(const std::string& who, const Access& access, const std::string& how) {
  return {Code::kPermissionDenied, who + " lacks " + describe(access) + ": " + how, "auth.denied"};
}

}  // namespace

Identity host_identity() {
  return {std::string(kHostPrincipal), "", {}};
}

ContextPtr host_context(std::string node) {
  auto context = std::make_shared<Context>();
  context->identity = host_identity();
  context->node = std::move(node);
  return context;
}

Status RoleAuthorizer::authorize(const Context& context, const Access& access) const {
  TRY_STATUS(authorize_identity(context, access));
  for (const auto& grant : context.chain) {
    if (allows(*grant, access)) continue;
    return denied("plugin " + grant->plugin, access,
                  "an administrator grants it in the plugin's spec.granted.resources as {\"kind\":\"" + access.kind +
                      "\",\"verbs\":[\"" + access.verb + "\"]}");
  }
  return {};
}

Status RoleAuthorizer::authorize_identity(const Context& context, const Access& access) const {
  const Identity& identity = context.identity;
  if (identity.principal == kHostPrincipal) return {};
  if (!identity.principal.starts_with(kPluginPrincipalPrefix)) return authorize_role(identity, access);
  const auto id = std::string_view(identity.principal).substr(kPluginPrincipalPrefix.size());
  const bool granted =
      std::any_of(context.chain.begin(), context.chain.end(), [&](const auto& grant) { return grant->plugin == id; });
  if (granted) return {};  // the chain decides
  return denied(identity.principal, access, "its call carries no grant; the plugin has to be enabled");
}

Status RoleAuthorizer::authorize_role(const Identity& identity, const Access& access) const {
  if (!identity.tenant.empty() && access.tenant != identity.tenant)
    return denied(identity.principal, access, "its token is for tenant " + identity.tenant + " alone");
  if (contains(identity.roles, kAdminRole)) return {};
  if (!contains(identity.roles, kViewerRole))
    return denied(identity.principal, access, "it has no role; an administrator issues a token with one");
  if (reads(access.verb) || read_only_(access.kind, access.verb)) return {};
  return denied(identity.principal, access, "the role viewer only reads; the role admin is needed");
}

}  // namespace novacron::host::auth
