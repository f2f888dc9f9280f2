// The manager's insides, shared by its source files.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "host/plugin/control.h"
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
  Result<Manifest> chosen(const InstallRequest& request);
  Status upgrade(const InstallRequest& request);
  Status roll_back(std::string_view id, const Error& why);
  void forget_rolled_back(std::string_view id);
  Status configure(std::string_view id, const std::string& config);
  Status remove(std::string_view id);
  Status health(std::string_view id);
  Result<PluginInfo> info(std::string_view id) const;
  std::vector<PluginInfo> list() const;
  std::vector<MethodUse> uses() const;
  std::shared_ptr<const Options> options() const;
  void reconfigure(Options options);

 private:
  /// One version of a plugin, as it is to run.
  struct Build {
    Package package;
    std::string digest;
    std::shared_ptr<const auth::Grant> grant;
    KernelPermissions kernel;
    Placement placement = Placement::kInline;
    std::string config;
    Upgrade::Side side() const { return {package.manifest.version.to_string(), placement, digest}; }
  };
  /// A build on probation.
  struct Trial {
    Build from;
    std::vector<MethodUse> record;  ///< of the one before, over all its time
    uint64_t number = 0;
    uint64_t until_ns = 0;
  };
  struct Plugin {
    std::mutex control;  ///< one control function at a time
    Build build;
    std::optional<Trial> trial;
    std::optional<Upgrade> rolled_back;  ///< it is not tried again by itself
    std::deque<uint64_t> deaths_ns;      ///< of its processes, the latest last
    uint64_t restart = 0;                ///< number of the restart that is to come; 0: none
    // Under mutex_:
    PluginInfo info;
    std::shared_ptr<Instance> instance;
  };
  using PluginPtr = std::shared_ptr<Plugin>;

  PluginPtr find(std::string_view id) const;
  PluginPtr find_or_add(const std::string& id);
  State state_of(const Plugin& plugin) const;
  Result<Package> choose(const InstallRequest& request) const;
  /// The build that is asked for, checked, its contracts installed. `files`: of its package.
  Result<Build> prepare(const InstallRequest& request, PackageFiles& files);
  Result<Build> prepare_allowed(InstallRequest request, PackageFiles& files);
  Status check_placement(const Manifest& manifest, Placement wanted) const;
  Status replace(Plugin& plugin, Build build, const std::optional<Upgrade>& rolled_back);
  void take_on(Plugin& plugin, Build build);
  void move(Plugin& plugin, State to, std::string reason, std::string message = "");
  Status fail(Plugin& plugin, Error error, bool abandoned = false);
  Status admit(Plugin& plugin);
  Status may_load();
  void admitted_is_over();
  Status bring_up(Plugin& plugin);
  Status resolve(Plugin& plugin);
  Outcome load(const std::string& id, const Build& build, LoadedLibrary& loaded);
  Result<PackageFiles> read_unchanged(const Build& build) const;
  Outcome load_in_sandbox(const std::string& id, const Build& build, PackageFiles files, LoadedLibrary& loaded);
  Result<sandbox::Isolation> isolation_of(const Build& build) const;
  std::shared_ptr<Instance> make_instance(const std::string& id, const Build& build, LoadedLibrary library);
  Status requirements(const Build& build) const;
  void died(const PluginPtr& plugin, const std::weak_ptr<sandbox::Guest>& guest, const sandbox::Death& death);
  void note_death(const PluginPtr& plugin, const std::string& why);
  void restart(const PluginPtr& plugin, uint64_t number);
  // An upgrade, all with the plugin's control held.
  struct Handover;
  enum class Way { kForward, kBack };
  Status switch_over(const PluginPtr& plugin, Build next, Way way);
  Outcome make_beside(const std::string& id, const Build& build, std::shared_ptr<Instance>& made);
  Status hand_over(Plugin& plugin, Handover& handover);
  Status leave_state(Plugin& plugin, Handover& handover);
  Status take_state(Plugin& plugin, Handover& handover);
  Status start_cold(Plugin& plugin, Handover& handover);
  void take_place(const PluginPtr& plugin, Handover& handover);
  void go_on(const PluginPtr& plugin, Handover& handover);
  void begin_trial(const PluginPtr& plugin, Trial trial);
  void check_trial(const PluginPtr& plugin, uint64_t number);
  void look_again(const PluginPtr& plugin, uint64_t number);
  Status verdict(const Plugin& plugin, const Trial& trial);
  void take_back(const PluginPtr& plugin, const Error& why);
  void end_trial(Plugin& plugin, const std::string& message);
  bool gate_is_open() const;
  void note(Plugin& plugin, const std::function<void(Upgrade&)>& change);
  void roll_back_ended(Plugin& plugin, const Error& why);
  void retire_later(const std::string& id, std::shared_ptr<Instance> old, const std::string& digest);

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
