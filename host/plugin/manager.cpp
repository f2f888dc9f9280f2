#include "host/plugin/manager.h"

#include <algorithm>
#include <cassert>

#include "host/base/log.h"
#include "host/plugin/broker.h"
#include "host/plugin/control.h"
#include "host/plugin/grants.h"
#include "host/plugin/manager_impl.h"

namespace novacron::host::plugin {
namespace {

bool same_rule(const auth::Grant::ResourceRule& a, const auth::Grant::ResourceRule& b) {
  return a.kind == b.kind && a.verbs == b.verbs;
}

bool same_grant(const auth::Grant& a, const auth::Grant& b) {
  return a.call == b.call && a.state == b.state && a.publish == b.publish && a.subscribe == b.subscribe &&
         a.blobs == b.blobs &&
         std::equal(a.resources.begin(), a.resources.end(), b.resources.begin(), b.resources.end(), same_rule);
}

/// An upgrade gets no more than an administrator has granted.
Status check_granted(const Manifest& manifest, const InstallRequest& request) {
  if (request.grant || !request.granted_before) return {};
  const std::vector<std::string> more = beyond(manifest.permissions, *request.granted_before);
  if (more.empty()) return {};
  return Error{Code::kFailedPrecondition,
               manifest.id + ' ' + manifest.version.to_string() +
                   " asks for more than it was granted: " + joined(more) + "; set spec.granted",
               "plugin.grant-needed"};
}

Error not_installed(std::string_view id) {
  return {Code::kNotFound, "plugin " + std::string(id) + " is not installed", "plugin.not-installed"};
}

}  // namespace

Manager::Impl::Impl(Broker& broker, ContractCatalog& contracts, LifecycleListener& listener, Options options)
    : broker_(broker),
      core_(*broker.core()),
      contracts_(contracts),
      listener_(listener),
      options_(std::make_shared<const Options>(std::move(options))),
      libraries_(std::make_shared<Libraries>()) {
  Crew::Options crew{"troubles of plugins"};
  crew.reentrant = true;
  background_ = std::make_shared<Crew>(*core_.options.pool, core_.timers, *core_.options.clock, std::move(crew));
}

Manager::Impl::~Impl() {
  {
    std::lock_guard lock(gate_->mutex);
    gate_->open = false;
  }
  disable_all();
  std::unique_lock lock(mutex_);
  quiet_.wait(lock, [this] { return later_ == 0; });
  background_->close();
}

std::shared_ptr<const Manager::Options> Manager::Impl::options() const {
  std::lock_guard lock(options_mutex_);
  return options_;
}

void Manager::Impl::reconfigure(Options options) {
  auto next = std::make_shared<const Options>(std::move(options));
  std::lock_guard lock(options_mutex_);
  options_ = std::move(next);
}

Manager::Impl::PluginPtr Manager::Impl::find(std::string_view id) const {
  std::lock_guard lock(mutex_);
  const auto found = plugins_.find(id);
  return found == plugins_.end() ? nullptr : found->second;
}

Manager::Impl::PluginPtr Manager::Impl::find_or_add(const std::string& id) {
  std::lock_guard lock(mutex_);
  PluginPtr& plugin = plugins_[id];
  if (!plugin) {
    plugin = std::make_shared<Plugin>();
    plugin->info.id = id;
  }
  return plugin;
}

State Manager::Impl::state_of(const Plugin& plugin) const {
  std::lock_guard lock(mutex_);
  return plugin.info.state;
}

void Manager::Impl::set_instance(Plugin& plugin, std::shared_ptr<Instance> instance) {
  std::unique_lock lock(mutex_);
  if (plugin.instance) {
    plugin.info = info_of(plugin);
    plugin.info.breakers.clear();  // they are of the instance that goes
    plugin.info.process = {};
  }
  plugin.instance.swap(instance);
  lock.unlock();
  if (!instance || !instance->guest()) return;
  instance->guest()->close();
}

void Manager::Impl::move(Plugin& plugin, State to, std::string reason, std::string message) {
  Transition transition{plugin.info.id, State::kAvailable, to, std::move(reason), std::move(message)};
  PluginInfo now;
  {
    std::lock_guard lock(mutex_);
    transition.from = plugin.info.state;
    assert(may_follow(transition.from, to));
    plugin.info.state = to;
    plugin.info.reason = transition.reason;
    plugin.info.message = transition.message;
    plugin.info.changed_at_ns = core_.options.clock->real_ns();
    if (to == State::kAbandoned) ++plugin.info.counters.abandoned;
    now = info_of(plugin);
  }
  log_info("plugin", to_string(to),
           {{"plugin", transition.plugin}, {"reason", transition.reason}, {"message", transition.message}});
  listener_.on_transition(transition, now);
}

Status Manager::Impl::fail(Plugin& plugin, Error error, bool abandoned) {
  set_instance(plugin, nullptr);
  if (abandoned) libraries_->abandon(plugin.info.id, plugin.info.digest);
  move(plugin, abandoned ? State::kAbandoned : State::kFailed, error.reason, error.message);
  return error;
}

Result<Package> Manager::Impl::choose(const InstallRequest& request) const {
  Catalog catalog = scan_catalog(options()->catalog);
  for (Package& package : catalog.packages) {
    if (package.manifest.id != request.id) continue;
    if (request.version.empty() || package.manifest.version.to_string() == request.version) return std::move(package);
  }
  for (const BrokenPackage& broken : catalog.broken) {
    if (broken.folder.filename() == request.id) return wrap(broken.error, broken.folder.string());
  }
  return Error{Code::kNotFound,
               "the catalog has no " + request.id + (request.version.empty() ? "" : " of version " + request.version),
               "plugin.no-package"};
}

Status Manager::Impl::check_placement(const Manifest& manifest, Placement wanted) const {
  const auto now = options();
  if (wanted == Placement::kSandboxed) {
    if (!now->sandboxes.program.empty()) return {};
    return Error{Code::kFailedPrecondition, manifest.id + " is to run in a sandbox, which this host does not have",
                 "plugin.no-sandbox"};
  }
  if (manifest.placement == Placement::kInline || now->allow_inline) return {};
  return Error{Code::kFailedPrecondition,
               manifest.id + " asks for a sandbox, and this host's settings do not allow it inline",
               "plugin.no-sandbox"};
}

Result<Manager::Impl::Build> Manager::Impl::prepare(const InstallRequest& request, PackageFiles& files) {
  Build build;
  build.package = TRY(choose(request));
  const Manifest& manifest = build.package.manifest;
  build.placement = request.placement.value_or(manifest.placement);
  TRY_STATUS(check_placement(manifest, build.placement));
  TRY_STATUS(check_granted(manifest, request));
  files = TRY(read_package(build.package));
  TRY_STATUS(check_library(build.package, files, build.placement));
  TRY_STATUS(contracts_.install(request.id, files.contracts, manifest.provides));
  build.digest = files.digest;
  build.grant = request.grant ? request.grant : std::make_shared<const auth::Grant>(manifest.permissions.grant);
  build.kernel = request.kernel.value_or(manifest.permissions.kernel);
  build.config = request.config;
  return build;
}

/// What was rolled back is not chosen again, but what it was rolled back to.
Result<Manager::Impl::Build> Manager::Impl::prepare_allowed(InstallRequest request, PackageFiles& files) {
  Build build = TRY(prepare(request, files));
  std::optional<Upgrade> rolled_back = request.rolled_back;
  if (const PluginPtr plugin = find(request.id)) {
    std::lock_guard lock(mutex_);
    if (plugin->info.state != State::kAvailable) rolled_back = plugin->rolled_back;
  }
  if (!rolled_back || build.side() != rolled_back->to) return build;
  request.version = rolled_back->from.version;
  request.placement = rolled_back->from.placement;
  return prepare(request, files);
}

Result<Manifest> Manager::Impl::chosen(const InstallRequest& request) {
  PackageFiles files;
  return TRY(prepare_allowed(request, files)).package.manifest;
}

Status Manager::Impl::install(const InstallRequest& request) {
  PackageFiles files;
  Build build = TRY(prepare_allowed(request, files));
  while (true) {
    const PluginPtr plugin = find_or_add(request.id);
    std::lock_guard lock(plugin->control);
    if (find(request.id) != plugin) continue;  // removed meanwhile
    return replace(*plugin, std::move(build), request.rolled_back);
  }
}

Status Manager::Impl::replace(Plugin& plugin, Build build, const std::optional<Upgrade>& rolled_back) {
  const State state = state_of(plugin);
  const Build& now = plugin.build;
  const bool same_side = state != State::kAvailable && now.side() == build.side();
  if (same_side && now.kernel == build.kernel && now.config == build.config && same_grant(*now.grant, *build.grant)) {
    return {};
  }
  if (state == State::kEnabled) {
    const bool other = now.side().version != build.side().version || now.placement != build.placement;
    return Error{Code::kFailedPrecondition, "disable " + plugin.info.id + " before it is installed anew",
                 other ? "plugin.other-version" : "plugin.enabled"};
  }
  plugin.restart = 0;
  plugin.deaths_ns.clear();
  if (state == State::kAvailable && rolled_back) {
    std::lock_guard lock(mutex_);
    plugin.rolled_back = rolled_back;
    plugin.info.upgrade = *rolled_back;
  }
  take_on(plugin, std::move(build));
  move(plugin, State::kInstalled, state == State::kAvailable ? "plugin.installed" : "plugin.replaced");
  return {};
}

void Manager::Impl::take_on(Plugin& plugin, Build build) {
  std::lock_guard lock(mutex_);
  plugin.build = std::move(build);
  plugin.info.digest = plugin.build.digest;
  plugin.info.manifest = plugin.build.package.manifest;
  plugin.info.granted = {*plugin.build.grant, plugin.build.kernel};
  plugin.info.placement = plugin.build.placement;
}

Status Manager::Impl::enable(std::string_view id) {
  const PluginPtr plugin = find(id);
  if (!plugin) return not_installed(id);
  std::lock_guard lock(plugin->control);
  const State state = state_of(*plugin);
  if (state == State::kEnabled || plugin->restart != 0) return {};
  if (state == State::kAvailable) return not_installed(id);
  if (state == State::kQuarantined || state == State::kAbandoned) {
    const std::string name(to_string(state));
    return Error{Code::kFailedPrecondition, std::string(id) + " is " + name + "; disable it first", "plugin." + name};
  }
  TRY_STATUS(check_placement(plugin->build.package.manifest, plugin->build.placement));
  TRY_STATUS(admit(*plugin));
  const Status brought_up = bring_up(*plugin);
  admitted_is_over();
  return brought_up;
}

Status Manager::Impl::disable(std::string_view id) {
  const PluginPtr plugin = find(id);
  if (!plugin) return not_installed(id);
  std::lock_guard lock(plugin->control);
  const State state = state_of(*plugin);
  if (state == State::kAvailable) return not_installed(id);
  plugin->restart = 0;
  plugin->deaths_ns.clear();
  if (state == State::kDisabled) return {};
  end_trial(*plugin, "it was disabled before its probation was over");
  if (state == State::kEnabled) return take_down(*plugin, State::kDisabled, "plugin.disabled", "");
  move(*plugin, State::kDisabled, "plugin.disabled");
  return {};
}

Status Manager::Impl::configure(std::string_view id, const std::string& config) {
  const PluginPtr plugin = find(id);
  if (!plugin) return not_installed(id);
  std::lock_guard lock(plugin->control);
  if (state_of(*plugin) != State::kEnabled) {
    plugin->build.config = config;
    return {};
  }
  const uint64_t timeout_ms = options()->start_timeout_ms;
  const uint64_t until_ns = core_.now_ns() + timeout_ms * 1'000'000;
  const auto configured = within(
      core_, plugin->info.id, timeout_ms,
      [instance = plugin->instance, config, until_ns] { return instance->configure(config, until_ns); },
      plugin->instance->guest().get());
  if (!configured) {
    plugin->instance->abandon();
    return fail(*plugin, {Code::kDeadlineExceeded, "it did not come back from configure", "plugin.abandoned"}, true);
  }
  if (configured->ok()) plugin->build.config = config;
  return *configured;
}

Status Manager::Impl::remove(std::string_view id) {
  const auto disabled = disable(id);
  if (disabled.code() == Code::kNotFound) return disabled;
  const PluginPtr plugin = find(id);
  if (!plugin) return not_installed(id);
  std::lock_guard control(plugin->control);
  if (state_of(*plugin) == State::kEnabled) {
    return Error{Code::kAborted, std::string(id) + " was enabled meanwhile", "plugin.enabled"};
  }
  move(*plugin, State::kAvailable, "plugin.removed");
  std::lock_guard lock(mutex_);
  plugins_.erase(plugin->info.id);
  return {};
}

Status Manager::Impl::health(std::string_view id) {
  const PluginPtr plugin = find(id);
  if (!plugin) return not_installed(id);
  std::shared_ptr<Instance> instance;
  {
    std::lock_guard lock(mutex_);
    instance = plugin->instance;
  }
  if (!instance) return Error{Code::kUnavailable, std::string(id) + " is not enabled", "plugin.not-enabled"};
  auto answer = within(core_, std::string(id), options()->health_timeout_ms, [instance] { return instance->health(); });
  if (answer) return std::move(*answer);
  return Error{Code::kUnavailable, std::string(id) + " does not say how it is", "plugin.health"};
}

PluginInfo Manager::Impl::info_of(const Plugin& plugin) const {
  PluginInfo info = plugin.info;
  if (!plugin.instance) return info;
  const uint64_t abandoned = info.counters.abandoned;
  info.counters = plugin.instance->counters();
  info.counters.abandoned = abandoned;
  info.faults = plugin.instance->faults();
  info.breakers = plugin.instance->open_breakers();
  if (const auto& guest = plugin.instance->guest()) {
    const sandbox::Usage usage = guest->usage();
    info.process = {guest->pid(), sandbox::names_of(guest->layers()), usage.memory_bytes, usage.cpu_ns, usage.threads};
  }
  return info;
}

Result<PluginInfo> Manager::Impl::info(std::string_view id) const {
  const PluginPtr plugin = find(id);
  if (!plugin) return not_installed(id);
  std::lock_guard lock(mutex_);
  return info_of(*plugin);
}

std::vector<PluginInfo> Manager::Impl::list() const {
  std::lock_guard lock(mutex_);
  std::vector<PluginInfo> all;
  for (const auto& [id, plugin] : plugins_) {
    if (plugin->info.state != State::kAvailable) all.push_back(info_of(*plugin));
  }
  return all;
}

std::vector<MethodUse> Manager::Impl::uses() const {
  std::vector<std::shared_ptr<Instance>> instances;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, plugin] : plugins_) {
      if (plugin->instance) instances.push_back(plugin->instance);
    }
  }
  std::vector<MethodUse> all;
  for (const auto& instance : instances) {
    auto some = instance->uses();
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return all;
}

Manager::Manager(Broker& broker, ContractCatalog& contracts, LifecycleListener& listener, Options options)
    : impl_(std::make_unique<Impl>(broker, contracts, listener, std::move(options))) {}
Manager::~Manager() = default;

void Manager::reconfigure(Options options) {
  impl_->reconfigure(std::move(options));
}
Catalog Manager::scan() const {
  return scan_catalog(impl_->options()->catalog);
}
Status Manager::install(const InstallRequest& request) {
  return impl_->install(request);
}
Result<Manifest> Manager::chosen(const InstallRequest& request) {
  return impl_->chosen(request);
}
Status Manager::upgrade(const InstallRequest& request) {
  return impl_->upgrade(request);
}
Status Manager::roll_back(std::string_view id, const Error& why) {
  return impl_->roll_back(id, why);
}
void Manager::forget_rolled_back(std::string_view id) {
  impl_->forget_rolled_back(id);
}
Status Manager::enable(std::string_view id) {
  return impl_->enable(id);
}
Status Manager::disable(std::string_view id) {
  return impl_->disable(id);
}
Status Manager::configure(std::string_view id, const std::string& config) {
  return impl_->configure(id, config);
}
Status Manager::remove(std::string_view id) {
  return impl_->remove(id);
}
Status Manager::health(std::string_view id) {
  return impl_->health(id);
}
Result<PluginInfo> Manager::info(std::string_view id) const {
  return impl_->info(id);
}
std::vector<PluginInfo> Manager::list() const {
  return impl_->list();
}
std::vector<MethodUse> Manager::uses() const {
  return impl_->uses();
}

}  // namespace novacron::host::plugin
