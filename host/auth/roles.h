// The rights that roles and grants give.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "host/auth/context.h"

namespace novacron::host::auth {

inline constexpr std::string_view kAdminRole = "admin";
inline constexpr std::string_view kViewerRole = "viewer";
inline constexpr std::string_view kHostPrincipal = "host";
inline constexpr std::string_view kPluginPrincipalPrefix = "plugin:";

/// The identity of what the host does by itself.
Identity host_identity();
/// A context with that identity and nothing else.
ContextPtr host_context(std::string node);

/// Whether the verb of a kind only reads, as its contract says. [any] thread.
using ReadOnlyVerb = std::function<bool(std::string_view kind, std::string_view verb)>;

/// The right to do a thing is what the identity may do, and every plugin that the call came through.
///
///   host            everything
///   role admin      everything, in its tenant if it has one
///   role viewer     get, list, watch and read-only actions, in its tenant if it has one
///   plugin:<id>     what its grant says, which is in the chain
///
/// Whoever is not in this table may do nothing. [any] thread.
class RoleAuthorizer final : public Authorizer {
 public:
  explicit RoleAuthorizer(ReadOnlyVerb read_only) : read_only_(std::move(read_only)) {}
  Status authorize(const Context& context, const Access& access) const override;

 private:
  Status authorize_identity(const Context& context, const Access& access) const;
  Status authorize_role(const Identity& identity, const Access& access) const;
  ReadOnlyVerb read_only_;
};

}  // namespace novacron::host::auth
