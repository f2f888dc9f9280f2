// The steps of a plugin's life: up, down, and out of the way.
#include <algorithm>
#include <chrono>
#include <system_error>
#include <thread>

#include "host/base/log.h"
#include "host/plugin/broker.h"
#include "host/plugin/control.h"
#include "host/plugin/manager_impl.h"

namespace novacron::host::plugin {

Status Manager::Impl::bring_up(Plugin& plugin) {
  const std::string& id = plugin.info.id;
  auto required = requirements(plugin.build);
  if (!required.ok()) return fail(plugin, std::move(required).error());
  move(plugin, State::kResolved, "plugin.resolved");
  LoadedLibrary library;
  auto loaded = load(id, plugin.build, library);
  if (!loaded.status.ok()) return fail(plugin, std::move(loaded.status).error(), loaded.abandoned);
  move(plugin, State::kLoaded, "plugin.loaded");
  const auto instance = make_instance(id, plugin.build, std::move(library));
  set_instance(plugin, instance);
  auto created = create(instance, plugin.build.config, core_, *options());
  if (!created.status.ok()) return fail(plugin, std::move(created.status).error(), created.abandoned);
  move(plugin, State::kConfigured, "plugin.configured");
  auto started = start(instance, core_, *options());
  if (!started.status.ok()) return fail(plugin, std::move(started.status).error(), started.abandoned);
  move(plugin, State::kEnabled, "plugin.enabled");
  return {};
}

Status Manager::Impl::admit(Plugin& plugin) {
  auto may = may_load();
  return may.ok() ? may : fail(plugin, std::move(may).error());
}

/// Each plugin on its way up may cost a thread, so no more are on it than threads may still be lost.
Status Manager::Impl::may_load() {
  std::vector<std::string> hanging;
  std::unique_lock lock(mutex_);
  const auto decided = [&] {
    hanging = core_.abandoned.plugins();
    return hanging.size() >= kMaxAbandoned || hanging.size() + admitted_ < kMaxAbandoned;
  };
  const auto now = options();
  const auto longest =
      std::chrono::milliseconds(2 * (now->create_timeout_ms + now->drain_timeout_ms) + now->start_timeout_ms);
  if (brought_up_.wait_for(lock, longest, decided) && hanging.size() < kMaxAbandoned) {
    ++admitted_;
    return {};
  }
  return Error{Code::kResourceExhausted,
               std::to_string(hanging.size()) + " threads of this host hang in plugins (" + joined(hanging) +
                   "), so none is loaded any more; restart the host without them",
               "host.threads-abandoned"};
}

void Manager::Impl::admitted_is_over() {
  std::lock_guard lock(mutex_);
  --admitted_;
  brought_up_.notify_all();
}

Status Manager::Impl::requirements(const Build& build) const {
  const Manifest& manifest = build.package.manifest;
  for (const Required& required : manifest.required) {
    if (contracts_.satisfied(required)) continue;
    return Error{Code::kFailedPrecondition,
                 manifest.id + " requires the contract " + required.contract + ' ' + required.range.to_string() +
                     ", which no installed plugin provides",
                 "plugin.requires"};
  }
  return {};
}

Result<PackageFiles> Manager::Impl::read_unchanged(const Build& build) const {
  auto files = TRY(read_package(build.package));
  if (files.digest == build.digest) return files;
  return Error{Code::kFailedPrecondition, "the package changed since it was installed; install it again",
               "plugin.package-changed"};
}

Outcome Manager::Impl::load(const std::string& id, const Build& build, LoadedLibrary& loaded) {
  auto files = read_unchanged(build);
  if (!files.ok()) return {std::move(files).error()};
  if (build.placement == Placement::kSandboxed) return load_in_sandbox(id, build, std::move(files).value(), loaded);
  const auto library = std::make_shared<LoadedLibrary>();
  auto load = [library, libraries = libraries_, manifest = build.package.manifest,
               files = std::move(files).value()]() -> Status {
    *library = TRY(libraries->load(manifest, files));
    return {};
  };
  auto done = within(core_, id, options()->create_timeout_ms, std::move(load));
  if (!done) {
    return {Error{Code::kDeadlineExceeded, "it did not come back from being loaded", "plugin.abandoned"}, true};
  }
  if (done->ok()) loaded = std::move(*library);
  return {std::move(*done)};
}

std::shared_ptr<Instance> Manager::Impl::make_instance(const std::string& id, const Build& build,
                                                       LoadedLibrary library) {
  Instance::Options options;
  options.id = id;
  options.plugin = library.plugin;
  options.guest = std::move(library.guest);
  options.services = std::move(library.services);
  options.grant = build.grant;
  auto weak = std::make_shared<std::weak_ptr<Instance>>();
  const PluginPtr owner = find(id);
  options.on_fatal = [this, owner, weak](const std::string& why) {
    later([this, owner, weak, why] { quarantine(owner, *weak, why); });
  };
  options.on_trouble = [this, owner, weak](std::string_view reason) {
    later([this, owner, weak, told = std::string(reason)] { tell_trouble(owner, *weak, told); });
  };
  auto instance = Instance::make(broker_.core(), std::move(options));
  *weak = instance;
  return instance;
}

Status Manager::Impl::take_down(Plugin& plugin, State to, std::string reason, std::string message) {
  auto ended = end(plugin.instance, core_, *this->options());
  if (ended.abandoned) {
    Error why = std::move(ended.status).error();
    return fail(plugin, message.empty() ? std::move(why) : wrap(std::move(why), message), true);
  }
  set_instance(plugin, nullptr);
  if (message.empty() && !ended.status.ok()) message = ended.status.error().message;  // it is down all the same
  move(plugin, to, std::move(reason), std::move(message));
  return {};
}

void Manager::Impl::later(std::function<void()> work) {
  const auto over = [this] {
    std::lock_guard lock(mutex_);
    --later_;
    quiet_.notify_all();
  };
  {
    std::lock_guard lock(mutex_);
    ++later_;
  }
  const bool taken = background_->post_callback([over, work = std::move(work)] {
    work();
    over();
  });
  if (!taken) over();
}

void Manager::Impl::quarantine(const PluginPtr& plugin, const std::weak_ptr<Instance>& instance,
                               const std::string& why) {
  std::lock_guard lock(plugin->control);
  const auto fatal = instance.lock();
  if (!fatal || fatal != plugin->instance) return;
  if (plugin->trial) return take_back(plugin, {Code::kInternal, why, "plugin.fatal"});
  (void)take_down(*plugin, State::kQuarantined, "plugin.fatal", why);
}

void Manager::Impl::tell_trouble(const PluginPtr& plugin, const std::weak_ptr<Instance>& instance,
                                 const std::string& reason) {
  PluginInfo now;
  {
    std::lock_guard lock(mutex_);
    const auto troubled = instance.lock();
    if (!troubled || troubled != plugin->instance) return;
    now = info_of(*plugin);
  }
  log_warn("plugin", "in trouble", {{"plugin", now.id}, {"reason", reason}});
  listener_.on_trouble(reason, now);
}

/// One that hangs does not keep the others from their end.
void Manager::Impl::disable_all() {
  const std::vector<PluginInfo> plugins = list();
  std::atomic<size_t> next = 0;
  const auto disable_next = [&] {
    for (size_t i = next++; i < plugins.size(); i = next++) (void)disable(plugins[i].id);
  };
  std::vector<std::thread> helpers;
  try {
    while (helpers.size() + 1 < std::min(plugins.size(), kMaxDisabledAtOnce)) helpers.emplace_back(disable_next);
  } catch (const std::system_error& error) {
    log_warn("plugin", "fewer threads than wanted", {{"why", error.what()}});
  }
  disable_next();
  for (std::thread& helper : helpers) helper.join();
}

}  // namespace novacron::host::plugin
