// Writes the status of Contract objects: which installed plugins provide each of them, and that its spec has been seen.
// The contracts themselves take effect when they are written (host/resource/contracts.h), so there is nothing to wait
// for; what plugins provide is read from the status of the Plugin objects.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "host/auth/context.h"
#include "host/resource/store.h"

namespace novacron::host::daemon {

class ContractController {
 public:
  /// `store` outlives this.
  ContractController(resource::Store& store, auth::ContextPtr context);
  ~ContractController();
  ContractController(const ContractController&) = delete;
  ContractController& operator=(const ContractController&) = delete;

  /// Looks at all contracts, and follows them and the plugins from then on, on a thread of its own.
  void start();
  /// Waits for the look that is under way, the first one in any case. Idempotent.
  void stop();

 private:
  using Providers = std::map<std::string, std::set<std::string>>;  ///< the plugins, by package

  void follow();
  Status follow_once();
  /// Waits until something has changed; false: it is to stop.
  bool wait_for_change();
  void pause();
  void wake();
  bool is_stopping();
  Status refresh();
  Result<Providers> providers();
  Status write_status(const resource::ObjectView& contract, const Providers& providers);

  resource::Store& store_;
  const auth::ContextPtr context_;
  std::thread follower_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  bool changed_ = false;
};

}  // namespace novacron::host::daemon
