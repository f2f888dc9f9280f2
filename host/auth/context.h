// On whose behalf something is done: made by the host alone, never by who calls.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "host/base/result.h"

namespace novacron::host::auth {

/// What an administrator granted to a plugin. Field by field novacron.core.v1.Permissions.
struct Grant {
  struct ResourceRule {
    std::string kind;                ///< such as "novacron.core/Node", or "*"
    std::vector<std::string> verbs;  ///< get, list, watch, create, update, update_status, update_finalizers, delete, an
                                     ///< action's verb, or "*"
  };
  std::string plugin;
  std::vector<std::string> call;       ///< services by full name
  std::vector<std::string> state;      ///< key prefixes besides "plugin/<id>/"
  std::vector<std::string> publish;    ///< subject patterns
  std::vector<std::string> subscribe;  ///< subject patterns
  std::vector<ResourceRule> resources;
  bool blobs = false;
};

/// Who is at the start of a chain of calls.
struct Identity {
  std::string principal;           ///< "user:alice", "plugin:example", "host"
  std::string tenant;              ///< the only one it may use; empty: any that its roles allow
  std::vector<std::string> roles;  ///< "admin", "viewer"; empty for a plugin, whose rights are its grant
};

/// The operation that a call carries out.
struct OperationScope {
  std::string tenant;
  std::string name;
  uint32_t depth = 0;  ///< 0: started by a user; 1: by a plugin for one that a user started; …
  size_t chain = 0;    ///< plugins that the call had come through when it was carried out: who is called next owns it
};

/// Immutable and shared by every call of a chain. The right to do a thing is the intersection of the identity's and of
/// every plugin's in `chain`.
struct Context {
  Identity identity;
  std::vector<std::shared_ptr<const Grant>> chain;  ///< the plugins that the call came through, oldest first
  std::string node;                                 ///< where the chain started
  std::string trace_parent;                         ///< W3C
  std::string request_id;
  std::string lease;                                ///< of the singleton that calls
  uint64_t fence = 0;                               ///< of that lease
  std::shared_ptr<const OperationScope> operation;  ///< null: none
};
using ContextPtr = std::shared_ptr<const Context>;

/// One thing that somebody wants to do. `verb` as in Grant::ResourceRule.
struct Access {
  std::string verb;
  std::string kind;
  std::string tenant;  ///< empty for kinds of scope HOST
  std::string name;    ///< empty for a whole list
};

/// [any] thread.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  /// PERMISSION_DENIED "auth.denied" says which principal lacks what.
  virtual Status authorize(const Context& context, const Access& access) const = 0;
};

}  // namespace novacron::host::auth
