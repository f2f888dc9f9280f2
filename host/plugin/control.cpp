#include "host/plugin/control.h"

#include <pthread.h>

#include <future>
#include <system_error>
#include <thread>

#include "host/base/log.h"
#include "host/sandbox/guest.h"

namespace novacron::host::plugin {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr uint64_t kKillMs = 10'000;  ///< for a thread to come back from a process that was killed

Outcome abandon(Instance& instance, const std::string& step) {
  if (const auto& guest = instance.guest()) {
    guest->kill("it did not come back from " + step);
    instance.lose();
    return {Error{Code::kDeadlineExceeded, instance.plugin() + " did not come back from " + step + "; it was killed",
                  "plugin.killed"}};
  }
  instance.abandon();
  log_error("plugin", "abandoned", {{"plugin", instance.plugin()}, {"step", step}});
  return {Error{Code::kDeadlineExceeded, instance.plugin() + " did not come back from " + step + "; it stays in memory",
                "plugin.abandoned"},
          true};
}

sandbox::Guest* guest_of(const Instance& instance) {
  return instance.guest().get();
}

std::optional<Status> quiesced_in_time(const std::shared_ptr<Instance>& instance, nc_call state, Core& core,
                                       const Manager::Options& options) {
  const uint64_t deadline_ns = core.now_ns() + options.quiesce_timeout_ms * kNsPerMs;
  return within(
      core, instance->plugin(), options.quiesce_timeout_ms,
      [instance, deadline_ns, state] { return instance->quiesce(deadline_ns, state); }, guest_of(*instance));
}

}  // namespace

std::optional<Status> within(Core& core, const std::string& plugin, uint64_t timeout_ms,
                             std::function<Status()> function, sandbox::Guest* guest) {
  auto done = std::make_shared<std::promise<Status>>();
  const std::shared_future<Status> result = done->get_future().share();
  try {
    std::thread([done, function = std::move(function)]() mutable {
      pthread_setname_np(pthread_self(), "nc-control");
      Status status = function();
      function = nullptr;  // what it keeps goes before anybody is told
      done->set_value(std::move(status));
    }).detach();
  } catch (const std::system_error& error) {
    return Error{Code::kResourceExhausted, std::string("no thread for the plugin: ") + error.what(), "host.threads"};
  }
  const auto returned = [result](uint64_t ms) {
    return result.wait_for(std::chrono::milliseconds(ms)) == std::future_status::ready;
  };
  if (returned(timeout_ms)) return result.get();
  if (guest) {
    guest->kill("it did not come back in time");
    if (returned(kKillMs)) {
      return Error{Code::kDeadlineExceeded, plugin + " did not come back in time; it was killed", "plugin.killed"};
    }
  }
  core.abandoned.add(plugin, [returned] { return !returned(0); });
  return std::nullopt;
}

Outcome create(const std::shared_ptr<Instance>& instance, const std::string& config, Core& core,
               const Manager::Options& options) {
  auto created = within(
      core, instance->plugin(), options.create_timeout_ms, [instance, config] { return instance->create(config); },
      guest_of(*instance));
  if (!created) return abandon(*instance, "create");
  return {std::move(*created)};
}

Outcome retire(const std::shared_ptr<Instance>& instance, Core& core, const Manager::Options& options) {
  if (instance->guest() && instance->guest()->dead()) {
    instance->lose();
    return {Error{Code::kUnavailable, instance->plugin() + " died: " + instance->guest()->why_dead(), "plugin.died"}};
  }
  if (!instance->drain(core.now_ns() + options.drain_timeout_ms * kNsPerMs)) return abandon(*instance, "its calls");
  const uint64_t until_ns = core.now_ns() + options.drain_timeout_ms * kNsPerMs;
  const auto destroyed = within(
      core, instance->plugin(), options.drain_timeout_ms, [instance, until_ns] { return instance->destroy(until_ns); },
      guest_of(*instance));
  if (!destroyed || destroyed->code() == Code::kDeadlineExceeded) return abandon(*instance, "destroy");
  return {std::move(*destroyed)};
}

Outcome begin_instance(const std::shared_ptr<Instance>& instance, Core& core, const Manager::Options& options,
                       const std::string& step, std::function<Status(uint64_t deadline_ns)> first) {
  const uint64_t deadline_ns = core.now_ns() + options.start_timeout_ms * kNsPerMs;
  auto done = within(
      core, instance->plugin(), options.start_timeout_ms,
      [instance, deadline_ns, first = std::move(first)] { return first(deadline_ns); }, guest_of(*instance));
  if (!done) return abandon(*instance, step);
  if (done->ok()) return {};
  instance->stop();
  const Outcome ended = retire(instance, core, options);
  return {std::move(*done), ended.abandoned};
}

Outcome start(const std::shared_ptr<Instance>& instance, Core& core, const Manager::Options& options) {
  Outcome started = begin_instance(instance, core, options, "start",
                                   [instance](uint64_t deadline_ns) { return instance->start(deadline_ns); });
  if (!started.status.ok()) return started;
  Status opened = instance->open();
  if (opened.ok()) return {};
  instance->stop();
  const Outcome ended = retire(instance, core, options);
  return {std::move(opened), ended.abandoned};
}

Outcome quiesce(const std::shared_ptr<Instance>& instance, nc_call state, Core& core, const Manager::Options& options) {
  auto quiesced = quiesced_in_time(instance, state, core, options);
  if (!quiesced) return abandon(*instance, "quiesce");
  return {std::move(*quiesced)};
}

Outcome resume(const std::shared_ptr<Instance>& instance, Core& core, const Manager::Options& options) {
  const uint64_t until_ns = core.now_ns() + options.start_timeout_ms * kNsPerMs;
  auto resumed = within(
      core, instance->plugin(), options.start_timeout_ms, [instance, until_ns] { return instance->resume(until_ns); },
      guest_of(*instance));
  if (!resumed) return abandon(*instance, "resume");
  return {std::move(*resumed)};
}

Outcome end(const std::shared_ptr<Instance>& instance, Core& core, const Manager::Options& options) {
  instance->stop();
  auto quiesced = quiesced_in_time(instance, 0, core, options);
  if (!quiesced) return abandon(*instance, "quiesce");
  Outcome ended = retire(instance, core, options);
  if (ended.status.ok()) ended.status = std::move(*quiesced);
  return ended;
}

}  // namespace novacron::host::plugin
