#include "host/resource/identity.h"

#include <host/resource/record.pb.h>

#include "host/trace/scope.h"

namespace novacron::host::resource {

namespace {
template <class List>
std::vector<std::string> strings(const List& list) {
  return {list.begin(), list.end()};
}

StoredGrant stored(const auth::Grant& grant) {
  StoredGrant out;
  out.set_plugin(grant.plugin);
  auto& permissions = *out.mutable_permissions();
  for (const auto& service : grant.call) permissions.add_call(service);
  for (const auto& prefix : grant.state) permissions.add_state(prefix);
  for (const auto& subject : grant.publish) permissions.add_publish(subject);
  for (const auto& subject : grant.subscribe) permissions.add_subscribe(subject);
  permissions.set_blobs(grant.blobs);
  for (const auto& rule : grant.resources) {
    auto& added = *permissions.add_resources();
    added.set_kind(rule.kind);
    for (const auto& verb : rule.verbs) added.add_verbs(verb);
  }
  return out;
}

std::shared_ptr<const auth::Grant> grant_of(const StoredGrant& stored) {
  const auto& permissions = stored.permissions();
  auto grant = std::make_shared<auth::Grant>();
  grant->plugin = stored.plugin();
  grant->call = strings(permissions.call());
  grant->state = strings(permissions.state());
  grant->publish = strings(permissions.publish());
  grant->subscribe = strings(permissions.subscribe());
  grant->blobs = permissions.blobs();
  for (const auto& rule : permissions.resources()) grant->resources.push_back({rule.kind(), strings(rule.verbs())});
  return grant;
}
}  // namespace

StoredIdentity identity_of(const auth::Context& context) {
  StoredIdentity identity;
  identity.set_principal(context.identity.principal);
  identity.set_tenant(context.identity.tenant);
  for (const auto& role : context.identity.roles) identity.add_roles(role);
  identity.set_has_chain(!context.chain.empty());
  for (const auto& grant : context.chain) *identity.add_chain() = stored(*grant);
  identity.set_trace_parent(trace::trace_parent_or(context.trace_parent));
  return identity;
}

auth::Context context_of(const StoredIdentity& identity) {
  auth::Context context;
  context.identity = {identity.principal(), identity.tenant(), strings(identity.roles())};
  for (const auto& grant : identity.chain()) context.chain.push_back(grant_of(grant));
  context.trace_parent = identity.trace_parent();
  return context;
}

}  // namespace novacron::host::resource
