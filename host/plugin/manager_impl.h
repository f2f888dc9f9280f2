// The manager's insides, shared by its source files.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/plugin/core.h"
#include "host/plugin/instance.h"
#include "host/plugin/library.h"
#include "host/plugin/manager.h"
#include "host/sandbox/guest.h"

namespace novacron::host::plugin {

class Manager::Impl {
 public:
  Impl(Broker& broker, ContractCatalog& contracts, LifecycleListener& listener, Options options);
  ~Impl();

  Status install(const InstallRequest& request);
  Status enable(std::string_view id);
  Status disable(std::string_view id);
  Status configure(std::string_view id, const std::string& config);
  Status remove(std::string_view id);
  Status health(std::string_view id);
  Result<PluginInfo> info(std::string_view id) const;
  std::vector<PluginInfo> list() const;
  std::vector<MethodUse> uses() const;
  std::shared_ptr<const Options> options() const;
  void reconfigure(Options options);

 private:
  struct Plugin {
    std::mutex control;  ///< one control function at a time
    Package package;
    std::shared_ptr<const auth::Grant> grant;
    KernelPermissions kernel;
    Placement placement = Placement::kInline;
    std::string config;
    std::deque<uint64_t> deaths_ns;  ///< of its processes, the latest last
    uint64_t restart = 0;            ///< number of the restart that is to come; 0: none
    // Under mutex_:
    PluginInfo info;
    std::shared_ptr<Instance> instance;
  };
  using PluginPtr = std::shared_ptr<Plugin>;

  PluginPtr find(std::string_view id) const;
  PluginPtr find_or_add(const std::string& id);
  State state_of(const Plugin& plugin) const;
  Result<Package> choose(const InstallRequest& request) const;
  Status check_placement(const Manifest& manifest, Placement wanted) const;
  Status replace(Plugin& plugin, const InstallRequest& request, Package package, const PackageFiles& files);
  void move(Plugin& plugin, State to, std::string reason, std::string message = "");
  Status fail(Plugin& plugin, Error error, bool abandoned = false);
  Status admit(Plugin& plugin);
  void admitted_is_over();
  Status bring_up(Plugin& plugin);
  Status resolve(Plugin& plugin);
  Result<LoadedLibrary> load(Plugin& plugin);
  Result<PackageFiles> read_unchanged(Plugin& plugin);
  Result<LoadedLibrary> load_in_sandbox(Plugin& plugin, PackageFiles files);
  Result<sandbox::Isolation> isolation_of(const Plugin& plugin) const;
  void died(const PluginPtr& plugin, const std::weak_ptr<sandbox::Guest>& guest, const sandbox::Death& death);
  void note_death(const PluginPtr& plugin, const std::string& why);
  void restart(const PluginPtr& plugin, uint64_t number);
  Status run(Plugin& plugin, LoadedLibrary library);
  Status take_down(Plugin& plugin, State to, std::string reason, std::string message);
  void quarantine(const PluginPtr& plugin, const std::weak_ptr<Instance>& instance, const std::string& why);
  void tell_trouble(const PluginPtr& plugin, const std::weak_ptr<Instance>& instance, const std::string& reason);
  void later(std::function<void()> work);
  void set_instance(Plugin& plugin, std::shared_ptr<Instance> instance);
  void disable_all();
  PluginInfo info_of(const Plugin& plugin) const;

  Broker& broker_;
  Core& core_;
  ContractCatalog& contracts_;
  LifecycleListener& listener_;
  mutable std::mutex options_mutex_;
  std::shared_ptr<const Options> options_;      ///< under options_mutex_; shared with steps that began with them
  const std::shared_ptr<Libraries> libraries_;  ///< shared with threads that hang while they load
  std::shared_ptr<Crew> background_;            ///< quarantines, and what is told of troubles
  mutable std::mutex mutex_;
  std::map<std::string, PluginPtr, std::less<>> plugins_;
  std::condition_variable quiet_;
  std::atomic<uint64_t> last_restart_ = 0;
  /// Timers look at it first: what they are for may be gone.
  struct Gate {
    std::mutex mutex;
    bool open = true;
  };
  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  size_t later_ = 0;     ///< work given to background_
  size_t admitted_ = 0;  ///< plugins that are being brought up: each may cost a thread
  std::condition_variable brought_up_;
};

}  // namespace novacron::host::plugin
