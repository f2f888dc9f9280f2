#include "host/plugin/control.h"

#include <pthread.h>

#include <future>
#include <thread>

#include "host/base/log.h"

namespace novacron::host::plugin {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;

Outcome abandon(Instance& instance, const std::string& step) {
  instance.abandon();
  log_error("plugin", "abandoned", {{"plugin", instance.plugin()}, {"step", step}});
  return {Error{Code::kDeadlineExceeded, instance.plugin() + " did not come back from " + step + "; it stays in memory",
                "plugin.abandoned"},
          true};
}

/// Waits for what is outstanding, then destroys it.
Outcome finish_off(const std::shared_ptr<Instance>& instance, const Core& core, const Manager::Options& options) {
  if (!instance->drain(core.now_ns() + options.drain_timeout_ms * kNsPerMs)) return abandon(*instance, "its calls");
  const uint64_t until_ns = core.now_ns() + options.drain_timeout_ms * kNsPerMs;
  const auto destroyed = within(options.drain_timeout_ms, [instance, until_ns] { return instance->destroy(until_ns); });
  if (!destroyed || !destroyed->ok()) return abandon(*instance, "destroy");
  return {};
}

}  // namespace

std::optional<Status> within(uint64_t timeout_ms, std::function<Status()> function) {
  auto done = std::make_shared<std::promise<Status>>();
  auto result = done->get_future();
  std::thread([done, function = std::move(function)]() mutable {
    pthread_setname_np(pthread_self(), "nc-control");
    Status status = function();
    function = nullptr;  // what it keeps goes before anybody is told
    done->set_value(std::move(status));
  }).detach();
  if (result.wait_for(std::chrono::milliseconds(timeout_ms)) != std::future_status::ready) return std::nullopt;
  return result.get();
}

Outcome create(const std::shared_ptr<Instance>& instance, const std::string& config, const Manager::Options& options) {
  auto created = within(options.create_timeout_ms, [instance, config] { return instance->create(config); });
  if (!created) return abandon(*instance, "create");
  return {std::move(*created)};
}

Outcome start(const std::shared_ptr<Instance>& instance, const Core& core, const Manager::Options& options) {
  const uint64_t deadline_ns = core.now_ns() + options.start_timeout_ms * kNsPerMs;
  auto started = within(options.start_timeout_ms, [instance, deadline_ns] { return instance->start(deadline_ns); });
  if (!started) return abandon(*instance, "start");
  if (started->ok()) *started = instance->open();
  if (started->ok()) return {};
  instance->stop();
  const Outcome ended = finish_off(instance, core, options);
  return {std::move(*started), ended.abandoned};
}

Outcome end(const std::shared_ptr<Instance>& instance, const Core& core, const Manager::Options& options) {
  instance->stop();
  const uint64_t deadline_ns = core.now_ns() + options.quiesce_timeout_ms * kNsPerMs;
  const auto quiesced =
      within(options.quiesce_timeout_ms, [instance, deadline_ns] { return instance->quiesce(deadline_ns); });
  if (!quiesced) return abandon(*instance, "quiesce");
  if (!quiesced->ok()) {
    log_warn("plugin", "quiesce failed", {{"plugin", instance->plugin()}, {"why", quiesced->error().message}});
  }
  return finish_off(instance, core, options);
}

}  // namespace novacron::host::plugin
