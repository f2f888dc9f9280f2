// Writes the status of Contract objects: which installed plugins provide each of them, and that its spec has been seen.
// The contracts themselves take effect when they are written (host/resource/contracts.h), so there is nothing to wait
// for; what plugins provide is read from the status of the Plugin objects.
#pragma once

#include <map>
#include <set>
#include <string>

#include "host/daemon/follower.h"

namespace novacron::host::daemon {

class ContractController {
 public:
  /// `store` outlives this.
  ContractController(resource::Store& store, auth::ContextPtr context);

  /// Looks at all contracts, and follows them and the plugins from then on.
  void start() { follower_.start(); }
  /// Waits for the look that is under way, the first one in any case. Idempotent.
  void stop() { follower_.stop(); }

 private:
  using Providers = std::map<std::string, std::set<std::string>>;  ///< the plugins, by package

  Status refresh();
  Result<Providers> providers();
  Status write_status(const resource::ObjectView& contract, const Providers& providers);

  resource::Store& store_;
  const auth::ContextPtr context_;
  Follower follower_;
};

}  // namespace novacron::host::daemon
