// The host, wired: every part is made here, in the order in which they need each other, and ends in the reverse order.
#pragma once

#include <memory>

#include "host/base/result.h"
#include "host/daemon/inherited.h"
#include "host/daemon/live_config.h"

namespace novacron::host::daemon {

class Daemon {
 public:
  /// Recovers the state and listens, but serves nothing yet. The bootstrap credential, when it was made just now, is
  /// printed to standard output: its only chance to be seen. `settings` outlive the daemon; `inherited` sockets are
  /// served instead of those that the settings name.
  static Result<std::unique_ptr<Daemon>> create(LiveConfig& settings, std::vector<Inherited> inherited);
  /// Stops what still runs. Guests of plugins are not the host's to stop.
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Serves, takes up plugins and operations, and says where in <data_folder>/run/api.json.
  Status start();
  /// Reads the settings again. What comes of it is logged and told as an event.
  void reload();
  /// kThreadsLeft: threads hang in plugins and keep some of its parts, so the process must end by leave(); the state is
  /// closed.
  enum class Ending { kWhole, kThreadsLeft };
  /// Lets requests under way finish, up to the configured time, then disables the plugins. Idempotent.
  Ending stop();

 private:
  class Parts;
  explicit Daemon(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace novacron::host::daemon
