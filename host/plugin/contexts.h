// The contexts that a plugin may name: those of the calls that it serves, and those that it holds.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "host/auth/context.h"
#include "host/base/clock.h"
#include "host/base/id_table.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::plugin {

constexpr size_t kMaxHeldContexts = 256;                          ///< a plugin's, besides those of calls under way
constexpr uint64_t kMaxHoldNs = uint64_t{3'600} * 1'000'000'000;  ///< a longer hold is shortened to it

/// Whether every plugin of the chain may call the service. Those of the host are open to all, since they decide by key
/// and kind. PERMISSION_DENIED "auth.denied" names the plugin and what to grant it.
Status may_call(const auth::Context& context, std::string_view service);
/// Likewise for events.
Status may_publish(const auth::Context& context, std::string_view subject);
Status may_subscribe(const auth::Context& context, std::string_view pattern);

/// [any] thread.
class Contexts final {
 public:
  /// `own`: what the plugin does by itself.
  Contexts(const Clock& clock, std::string plugin, std::shared_ptr<const auth::Grant> grant, const std::string& node);

  /// For a call that begins; 0: too many. end() when it is finished.
  nc_context begin(auth::ContextPtr context);
  void end(nc_context id);

  /// 0: refused. Audited.
  nc_context hold(nc_context id, uint64_t until_ns);
  /// Only what was held.
  void drop(nc_context id);
  /// How many were held on behalf of the principal.
  size_t revoke(std::string_view principal);
  void close() { table_.close(); }

  /// As others see what the plugin does with it: its own grant is in the chain. UNAUTHENTICATED "auth.stale-context".
  Result<auth::ContextPtr> onward(nc_context id) const;
  /// As the plugin got it; its own for 0. Null: stale.
  auth::ContextPtr find(nc_context id) const;

 private:
  struct Entry;
  using EntryPtr = std::shared_ptr<Entry>;
  EntryPtr live(nc_context id) const;

  const Clock& clock_;
  const std::string plugin_;
  const std::shared_ptr<const auth::Grant> grant_;
  auth::ContextPtr own_;
  mutable IdTable<EntryPtr> table_;
  std::mutex hold_mutex_;  ///< makes the count and the insertion of a held one a single step
  size_t held_ = 0;
};

}  // namespace novacron::host::plugin
