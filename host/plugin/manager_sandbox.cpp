// Plugins in processes of their own: how one is loaded, and what comes after its process has died.
#include <algorithm>

#include "host/base/log.h"
#include "host/plugin/broker.h"
#include "host/plugin/control.h"
#include "host/plugin/manager_impl.h"

namespace novacron::host::plugin {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;

/// Doubled by each death, up to the longest.
uint64_t backoff_ms(const Sandboxes& sandboxes, size_t deaths) {
  uint64_t wait_ms = sandboxes.restart_ms;
  for (size_t i = 1; i < deaths && wait_ms < sandboxes.restart_longest_ms; ++i) wait_ms *= 2;
  return std::min(wait_ms, sandboxes.restart_longest_ms);
}

}  // namespace

Result<sandbox::Isolation> Manager::Impl::isolation_of(const Build& build) const {
  const auto now = options();
  sandbox::Isolation isolation;
  isolation.required = TRY(sandbox::layers_named(now->sandboxes.required));
  isolation.user = now->sandboxes.user;
  isolation.memory_bytes = now->sandboxes.memory_bytes;
  isolation.threads = now->sandboxes.threads;
  isolation.cpu_percent = now->sandboxes.cpu_percent;
  isolation.package = build.package.folder.string();
  isolation.library = build.package.manifest.library;
  const KernelPermissions& granted = build.kernel;
  if (granted.memory_bytes != 0) isolation.memory_bytes = granted.memory_bytes;
  if (granted.threads != 0) isolation.threads = granted.threads;
  if (granted.cpu_percent != 0) isolation.cpu_percent = granted.cpu_percent;
  TRY_STATUS(sandbox::add_permissions(isolation, granted.network, granted.paths, granted.devices));
  return isolation;
}

Outcome Manager::Impl::load_in_sandbox(const std::string& id, const Build& build, PackageFiles files,
                                       LoadedLibrary& loaded) {
  const auto now = options();
  auto isolation = isolation_of(build);
  if (!isolation.ok()) return {std::move(isolation).error()};
  auto weak = std::make_shared<std::weak_ptr<sandbox::Guest>>();
  sandbox::Guest::Options wanted;
  wanted.plugin = id;
  wanted.program = now->sandboxes.program;
  wanted.isolation = std::move(isolation).value();
  wanted.library = std::move(files.library);
  wanted.stuck_ns = now->sandboxes.stuck_ms * kNsPerMs;
  wanted.run = [pool = core_.options.pool](std::function<void()> work) { return pool->run(std::move(work)).ok(); };
  wanted.on_death = [this, owner = find(id), weak](const sandbox::Death& death) {
    later([this, owner, weak, death] { died(owner, *weak, death); });
  };
  auto launched = sandbox::Guest::launch(std::move(wanted));
  if (!launched.ok()) return {std::move(launched).error()};
  const auto guest = std::move(launched).value();
  *weak = guest;
  const auto returned = within(
      core_, id, now->create_timeout_ms, [guest] { return guest->load(); }, guest.get());
  Status status = returned ? *returned : Error{Code::kDeadlineExceeded, "it did not come back from being loaded"};
  Result<LoadedLibrary> library = Error{};
  if (status.ok()) {
    library = check_descriptor(guest->table(), build.package.manifest, files.contracts_sha256, Placement::kSandboxed);
    if (!library.ok()) status = library.error();
  }
  if (!status.ok()) {
    guest->close();
    return {std::move(status)};
  }
  loaded = std::move(library).value();
  loaded.guest = guest;
  log_info("plugin", "sandboxed", {{"plugin", id}, {"layers", sandbox::names_of(guest->layers())}});
  return {};
}

void Manager::Impl::died(const PluginPtr& plugin, const std::weak_ptr<sandbox::Guest>& guest,
                         const sandbox::Death& death) {
  std::lock_guard lock(plugin->control);
  const auto dead = guest.lock();
  if (!dead || !plugin->instance || plugin->instance->guest() != dead) return;  // somebody else has seen to it
  listener_.on_death({plugin->info.id, death.how, death.signal, death.exit_status, death.last_lines});
  if (plugin->trial) return take_back(plugin, {Code::kUnavailable, "its process " + death.text(), "plugin.died"});
  plugin->instance->lose();
  set_instance(*plugin, nullptr);
  note_death(plugin, death.text());
}

/// Restarts it after a while, or not any more.
void Manager::Impl::note_death(const PluginPtr& plugin, const std::string& why) {
  const auto now = options();
  const uint64_t now_ns = core_.now_ns();
  auto& deaths = plugin->deaths_ns;
  deaths.push_back(now_ns);
  while (now_ns - deaths.front() > now->sandboxes.deaths_within_ms * kNsPerMs) deaths.pop_front();
  if (deaths.size() >= now->sandboxes.max_deaths) {
    plugin->restart = 0;
    return move(*plugin, State::kQuarantined, "plugin.died",
                "its process died " + std::to_string(deaths.size()) + " times; the last: " + why);
  }
  const uint64_t wait_ms = backoff_ms(now->sandboxes, deaths.size());
  const uint64_t number = plugin->restart = ++last_restart_;
  move(*plugin, State::kFailed, "plugin.died",
       "its process " + why + "; it is restarted in " + std::to_string(wait_ms) + " ms");
  core_.timers.at(now_ns + wait_ms * kNsPerMs, [this, gate = gate_, plugin, number] {
    std::lock_guard lock(gate->mutex);
    if (gate->open) later([this, plugin, number] { restart(plugin, number); });
  });
}

void Manager::Impl::restart(const PluginPtr& plugin, uint64_t number) {
  std::lock_guard lock(plugin->control);
  if (plugin->restart != number) return;  // disabled, replaced or gone meanwhile
  const Status admitted = admit(*plugin);
  const Status brought_up = admitted.ok() ? bring_up(*plugin) : admitted;
  if (admitted.ok()) admitted_is_over();
  if (brought_up.ok()) {
    plugin->restart = 0;
    return;
  }
  note_death(plugin, "could not be restarted: " + brought_up.error().message);
}

}  // namespace novacron::host::plugin
