// Keeps installed plugins as their Plugin objects say: an object is installed when it comes, enabled and disabled by
// its spec, and removed when it goes. What becomes of a plugin is written into its object's status and told as an event
// "plugin.<state>"; its faults and breakers likewise, as "plugin.breaker-open" and so on; the end of its process, with
// the signal and the last lines, as "plugin.died".
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "host/auth/context.h"
#include "host/base/worker_pool.h"
#include "host/bus/bus.h"
#include "host/plugin/lifecycle.h"
#include "host/resource/store.h"

namespace novacron::host::plugin {
class Manager;
struct InstallRequest;
}  // namespace novacron::host::plugin
namespace novacron::core::v1 {
class PluginSpec;
class PluginStatus;
}  // namespace novacron::core::v1

namespace novacron::host::daemon {

inline constexpr size_t kMaxPluginsAtOnce = 8;  ///< that are installed, enabled or disabled beside each other

class PluginController final : public plugin::LifecycleListener {
 public:
  /// All outlive this.
  struct Parts {
    resource::Store& store;
    bus::Bus& bus;
    WorkerPool& pool;
    auth::ContextPtr context;
  };
  explicit PluginController(Parts parts);
  ~PluginController() override;

  /// Takes up every Plugin object that is there, and follows them from then on. The manager, whose listener this is,
  /// must be there until stop().
  void start(plugin::Manager& manager);
  /// Attempts anew what failed, since something else than its spec has changed.
  void retry_failed();
  /// Looks at one as if its spec had changed.
  void attempt(const std::string& name) { look_at(name, Attempt::kAnew); }
  /// What its object asks for, but for the configuration.
  Result<plugin::InstallRequest> request_of(const resource::ObjectView& object) const;
  Result<resource::ObjectView> read(const std::string& name) const;
  /// Leaves objects and plugins as they are. Waits for what is under way.
  void stop();

  void on_transition(const plugin::Transition& transition, const plugin::PluginInfo& now) override;
  void on_trouble(const std::string& reason, const plugin::PluginInfo& now) override;
  void on_death(const plugin::PluginDeath& death) override;
  void on_upgrade(const plugin::PluginInfo& now) override;

 private:
  enum class Attempt { kIfNew, kAnew };
  struct Work {
    bool running = false;
    bool again = false;
    Attempt attempt = Attempt::kIfNew;
  };

  void follow();
  Status follow_once();
  bool is_stopping();
  void pause();
  /// Has the plugin looked at, once more if it is being looked at. What failed is attempted again only when its spec
  /// has changed since, or kAnew.
  void look_at(const std::string& name, Attempt attempt = Attempt::kIfNew);
  void look_at_waiting();
  void settle_if_done();
  void run(const std::string& name);
  void reconcile(const std::string& name, Attempt attempt);
  bool failed_before(const resource::ObjectView& object);
  void remember(const resource::ObjectView& object, const Status& done);
  Status apply(const resource::ObjectView& object);
  Status install(const resource::ObjectView& object, const core::v1::PluginSpec& spec);
  void tell_interrupted(const resource::ObjectView& object);
  Status upgrade(plugin::InstallRequest request, const core::v1::PluginSpec& spec);
  Status remove(const resource::ObjectView& object);
  Result<std::string> encoded_config(const std::string& type, const std::string& json) const;
  /// `generation` 0: as it was. `failure` null: none.
  void tell_controllers(const plugin::PluginInfo& now);
  void write_status(const std::string& name, const plugin::PluginInfo* info, uint64_t generation, const Error* failure);

  struct StatusChange {
    int before = 0;  ///< the states, as novacron.core.v1.PluginStatus.State
    int after = 0;
    uint64_t revision = 0;  ///< 0: nothing was written
  };
  StatusChange change_status(const std::string& name, const std::function<void(core::v1::PluginStatus&)>& change);
  /// Publishes an event about the plugin.
  void tell(const std::string& subject, const std::string& name, uint64_t revision);
  void publish(bus::Event event);

  const Parts parts_;
  plugin::Manager* manager_ = nullptr;
  std::unique_ptr<Lane> lane_;
  std::thread follower_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  bool is_listed_ = false;   ///< every plugin that was there at the start has been looked at, or waits for it
  bool is_settled_ = false;  ///< and nothing has changed its state since
  std::map<std::string, Work> work_;
  struct Spec {
    std::string uid;
    uint64_t generation = 0;
  };
  std::map<std::string, Spec> failed_;  ///< by plugin: what could not be followed
  std::mutex status_mutex_;             // one writer of statuses at a time, so that they come in order
};

}  // namespace novacron::host::daemon
