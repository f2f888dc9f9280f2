// The control functions of one instance, each within its deadline whatever the plugin does.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "host/plugin/instance.h"
#include "host/plugin/manager.h"

namespace novacron::host::plugin {

/// Runs what enters a plugin on a thread of its own; nothing when it did not return in time. Then the thread goes on
/// and counts as abandoned, so what the function uses must be its own; but a guest is killed, which brings the thread
/// back with DEADLINE_EXCEEDED "plugin.killed". RESOURCE_EXHAUSTED "host.threads": there is
/// none.
std::optional<Status> within(Core& core, const std::string& plugin, uint64_t timeout_ms,
                             std::function<Status()> function, sandbox::Guest* guest = nullptr);

/// How a step of an instance ended.
struct Outcome {
  Status status;
  bool abandoned = false;  ///< the instance hangs, and was abandoned
};

/// Creates it with its configuration.
Outcome create(const std::shared_ptr<Instance>& instance, const std::string& config, Core& core,
               const Manager::Options& options);
/// Starts it and opens it for calls; a failure is followed by the end of it.
Outcome start(const std::shared_ptr<Instance>& instance, Core& core, const Manager::Options& options);
/// The same for an instance that takes over from another: `first` is its start() or restore(). It is not opened.
Outcome begin_instance(const std::shared_ptr<Instance>& instance, Core& core, const Manager::Options& options,
                       const std::string& step, std::function<Status(uint64_t deadline_ns)> first);
/// Of an instance that was paused. What it leaves goes to `state`.
Outcome quiesce(const std::shared_ptr<Instance>& instance, nc_call state, Core& core, const Manager::Options& options);
Outcome resume(const std::shared_ptr<Instance>& instance, Core& core, const Manager::Options& options);
/// Drains and destroys one that is quiesced. It is gone whatever the status says, unless it was abandoned.
Outcome retire(const std::shared_ptr<Instance>& instance, Core& core, const Manager::Options& options);
/// Quiesces, drains and destroys it. It is gone whatever the status says, unless it was abandoned.
Outcome end(const std::shared_ptr<Instance>& instance, Core& core, const Manager::Options& options);

}  // namespace novacron::host::plugin
