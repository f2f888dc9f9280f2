// Writes into the status of this host's Node objects that their spec has been seen. Whoever places things reads the
// spec itself (`cordoned`), so there is nothing more to do about it here.
#pragma once

#include <set>
#include <string>

#include "host/daemon/follower.h"

namespace novacron::host::daemon {

class NodeController {
 public:
  /// `nodes`: the names of those that this host is, or plays. `store` outlives this.
  NodeController(resource::Store& store, auth::ContextPtr context, std::set<std::string> nodes);

  /// Looks at the nodes, and follows them from then on.
  void start() { follower_.start(); }
  /// Waits for the look that is under way, the first one in any case. Idempotent.
  void stop() { follower_.stop(); }

 private:
  Status look(const std::vector<resource::Event>& changes);
  Status write_status(const resource::ObjectView& node);

  resource::Store& store_;
  const auth::ContextPtr context_;
  const std::set<std::string> nodes_;
  Follower follower_;
};

}  // namespace novacron::host::daemon
