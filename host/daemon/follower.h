// Follows the objects of some kinds on a thread of its own, for a controller of the host.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "host/auth/context.h"
#include "host/resource/store.h"

namespace novacron::host::daemon {

class Follower {
 public:
  /// What to do about changes. The first call has none and means that all objects are to be looked at; so does the
  /// first one after an error or a watch that broke off, which begins anew after a pause.
  using Changed = std::function<Status(const std::vector<resource::Event>& events)>;
  /// `store` outlives this. `name` is for the log.
  Follower(resource::Store& store, auth::ContextPtr context, std::string name, std::vector<std::string> kinds,
           Changed changed);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  void start();
  /// Waits for the look that is under way, the first one in any case. Idempotent.
  void stop();

 private:
  using Watches = std::vector<std::unique_ptr<resource::Watch>>;

  void follow();
  Status follow_once();
  Result<Watches> watch_all();
  /// Waits until something has changed; false: it is to stop.
  bool wait_for_change();
  void pause();
  void wake();
  bool is_stopping();

  resource::Store& store_;
  const auth::ContextPtr context_;
  const std::string name_;
  const std::vector<std::string> kinds_;
  const Changed changed_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  bool has_news_ = false;
};

/// Calls `work` with every object of the kind, a page after the other.
Status each_object(resource::Store& store, const auth::ContextPtr& context, std::string_view kind,
                   const std::function<Status(const resource::ObjectView&)>& work);

}  // namespace novacron::host::daemon
