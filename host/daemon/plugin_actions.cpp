#include "host/daemon/plugin_actions.h"

#include <novacron/core/v1/host.pb.h>
#include <novacron/core/v1/plugin.pb.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/base/clock.h"
#include "host/daemon/plugin_controller.h"
#include "host/plugin/manager.h"
#include "host/resource/actions.h"
#include "host/resource/progress.h"
#include "host/resource/services/method_table.h"

namespace novacron::host::daemon {
namespace {

namespace api = novacron::core::v1;
using plugin::Upgrade;
using Phase = plugin::Upgrade::Phase;

constexpr std::chrono::milliseconds kLook{50};
constexpr uint32_t kLoadingPercent = 5;
constexpr uint32_t kSwitchingPercent = 20;
constexpr uint32_t kProbationPercent = 30;

std::string placement_name(plugin::Placement placement) {
  return placement == plugin::Placement::kSandboxed ? "SANDBOXED" : "INLINE";
}

/// As the plugin that carries an operation out would be seen: here that is the host itself.
auth::Context carrier_of(const auth::Context& context) {
  auth::Context carrier = context;
  carrier.chain.push_back(std::make_shared<const auth::Grant>());
  return carrier;
}

uint32_t probation_percent(const Upgrade& upgrade) {
  const uint64_t now_ns = system_clock().real_ns();
  if (upgrade.probation_until_ns <= upgrade.begun_at_ns || now_ns < upgrade.begun_at_ns) return kProbationPercent;
  const uint64_t whole = upgrade.probation_until_ns - upgrade.begun_at_ns;
  const uint64_t part = std::min(now_ns - upgrade.begun_at_ns, whole);
  return kProbationPercent + static_cast<uint32_t>((100 - kProbationPercent) * part / whole);
}

resource::ProgressReport report_of(const Upgrade& upgrade) {
  resource::ProgressReport report;
  report.percent = kLoadingPercent;
  report.step = "load it beside the one that runs";
  if (upgrade.phase == Phase::kSwitching) {
    report.percent = kSwitchingPercent;
    report.step = "hand over";
  } else if (upgrade.phase >= Phase::kProbation) {
    report.percent = probation_percent(upgrade);
    report.step = "probation";
  }
  return report;
}

Result<api::UpgradePluginReply> outcome_of(const Upgrade& upgrade) {
  if (upgrade.phase == Phase::kRolledBack) {
    return Error{Code::kAborted, upgrade.message.empty() ? "it was rolled back" : upgrade.message, upgrade.reason};
  }
  api::UpgradePluginReply reply;
  reply.set_from_version(upgrade.from.version);
  reply.set_to_version(upgrade.to.version);
  reply.set_placement(upgrade.to.placement == plugin::Placement::kSandboxed ? api::PluginSpec::PLACEMENT_SANDBOXED
                                                                            : api::PluginSpec::PLACEMENT_INLINE);
  reply.set_carried_state(upgrade.carried_state);
  reply.set_pause_ns(upgrade.pause_ns);
  return reply;
}

/// What an operation wants of the plugin.
struct Wish {
  std::string name;
  Upgrade::Side side;          ///< without the digest
  uint64_t not_before_ns = 0;  ///< when the upgrade before it began
  uint64_t generation = 0;     ///< of the spec that asks for it
  bool is_for(const Upgrade::Side& to) const { return to.version == side.version && to.placement == side.placement; }
  bool is_fulfilled(const plugin::PluginInfo& info) const {
    return info.state == plugin::State::kEnabled && info.manifest.version.to_string() == side.version &&
           info.placement == side.placement;
  }
};

class PluginActions {
 public:
  explicit PluginActions(const PluginActionParts& parts) : parts_(parts) {}

  Result<api::UpgradePluginReply> upgrade(const plugin::ServerCall& call, const api::UpgradePluginRequest& request) {
    const std::string version = request.version();
    return run(call, request.object().name(),
               [&](plugin::InstallRequest& wanted, const plugin::PluginInfo&) { wanted.version = version; });
  }

  Result<api::UpgradePluginReply> move(const plugin::ServerCall& call, const api::MovePluginRequest& request) {
    const bool sandboxed = request.placement() == api::PluginSpec::PLACEMENT_SANDBOXED;
    return run(call, request.object().name(), [&](plugin::InstallRequest& wanted, const plugin::PluginInfo& now) {
      wanted.placement = sandboxed ? plugin::Placement::kSandboxed : plugin::Placement::kInline;
      wanted.version = now.manifest.version.to_string();
    });
  }

 private:
  template <class Change>
  Result<api::UpgradePluginReply> run(const plugin::ServerCall& call, const std::string& name, Change&& change) {
    const resource::ObjectRef ref{std::string(resource::kPluginKind), "", name};
    const auth::Context carrier = carrier_of(*call.context());
    const auto operation = TRY(parts_.actions.current(carrier));
    const auto object = TRY(parts_.store.get(call.context(), ref));
    if (operation.attempt > 1) return after_restart(call, object);
    const auto now = TRY(parts_.manager.info(name));
    if (now.state != plugin::State::kEnabled) {
      return Error{Code::kFailedPrecondition, name + " is not enabled: set spec.version or spec.placement",
                   "plugin.not-enabled"};
    }
    if (now.upgrade.under_way()) {
      return Error{Code::kFailedPrecondition, name + " is being upgraded, or on probation after that",
                   "plugin.in-probation"};
    }
    auto wanted = TRY(parts_.controller.request_of(object));
    change(wanted, now);
    parts_.manager.forget_rolled_back(name);
    wanted.rolled_back.reset();
    const auto manifest = TRY(parts_.manager.chosen(wanted));
    Wish wish{name, {manifest.version.to_string(), wanted.placement.value_or(manifest.placement), ""}};
    wish.not_before_ns = now.upgrade.begun_at_ns;
    TRY_STATUS(ask(call.context(), ref, wanted, wish));
    return follow(call, carrier, wish);
  }

  /// By the spec, so that what is wanted outlives this host.
  Status ask(const auth::ContextPtr& context, const resource::ObjectRef& ref, const plugin::InstallRequest& wanted,
             Wish& wish) {
    nlohmann::json spec = {{"version", wish.side.version}};
    if (wanted.placement) spec["placement"] = placement_name(*wanted.placement);
    const auto written = TRY(parts_.store.patch(context, ref, nlohmann::json{{"spec", spec}}.dump()));
    wish.generation = written.object.generation;
    parts_.controller.attempt(wish.name);
    return {};
  }

  Result<api::UpgradePluginReply> follow(const plugin::ServerCall& call, const auth::Context& carrier,
                                         const Wish& wish) {
    bool asked_to_stop = false;
    while (system_clock().monotonic_ns() < call.deadline_ns()) {
      const auto now = TRY(parts_.manager.info(wish.name));
      const bool is_later = now.upgrade.begun_at_ns > wish.not_before_ns;
      const bool is_ours = is_later && wish.is_for(now.upgrade.to);
      if (is_later && !is_ours) return overtaken(asked_to_stop);
      if (is_ours && !now.upgrade.under_way()) return outcome_of(now.upgrade);
      if (!is_ours && wish.is_fulfilled(now)) return api::UpgradePluginReply();
      if (!is_ours) TRY_STATUS(why_not(wish));
      if (TRY(parts_.actions.report(carrier, report_of(now.upgrade), call.deadline_ns()))) {
        asked_to_stop = true;  // before its probation it cannot be stopped, so it is asked again
        const Error why{Code::kCancelled, "somebody stopped the operation", "operation.cancelled"};
        if (is_ours) (void)parts_.manager.roll_back(wish.name, why);
      }
      if (call.cancelled() && !asked_to_stop) return Error{Code::kUnavailable, "the host stops", "host.stopping"};
      std::this_thread::sleep_for(kLook);
    }
    return Error{Code::kDeadlineExceeded, "its probation is longer than an operation", "host.deadline"};
  }

  static Error overtaken(bool asked_to_stop) {
    if (asked_to_stop) return {Code::kCancelled, "it was rolled back", "operation.cancelled"};
    return {Code::kAborted, "the spec asks for something else by now", "plugin.upgrade-overtaken"};
  }

  /// What the controller says of a spec that it could not follow.
  Status why_not(const Wish& wish) {
    const auto object = TRY(parts_.controller.read(wish.name));
    api::PluginStatus status;
    status.ParseFromString(object.status);
    const bool refused =
        status.observed_generation() >= wish.generation && status.state() == api::PluginStatus::STATE_FAILED;
    if (!refused) return {};
    return Error{Code::kFailedPrecondition, status.message(), status.reason()};
  }

  /// The host that began it has ended, and this one has undone it.
  Result<api::UpgradePluginReply> after_restart(const plugin::ServerCall& call, const resource::ObjectView& object) {
    const std::string& name = object.ref.name;
    while (system_clock().monotonic_ns() < call.deadline_ns() && !call.cancelled()) {
      const auto now = parts_.manager.info(name);
      if (now.ok() && now->upgrade.phase != Phase::kNone && !now->upgrade.under_way()) return outcome_of(now->upgrade);
      if (now.ok() && now->state == plugin::State::kEnabled) {
        return Error{Code::kAborted, "the host ended before the upgrade had begun", "plugin.upgrade-interrupted"};
      }
      std::this_thread::sleep_for(kLook);
    }
    return Error{Code::kUnavailable, name + " is not there again", "host.stopping"};
  }

  const PluginActionParts parts_;
};

}  // namespace

std::unique_ptr<plugin::Service> make_plugin_actions(const PluginActionParts& parts) {
  auto actions = std::make_shared<PluginActions>(parts);
  auto table = std::make_unique<resource::MethodTable>("novacron.core.v1.PluginActions");
  table->unary<api::UpgradePluginRequest, api::UpgradePluginReply>(
      "Upgrade", [actions](const auto& call, const auto& request) { return actions->upgrade(call, request); });
  table->unary<api::MovePluginRequest, api::UpgradePluginReply>(
      "Move", [actions](const auto& call, const auto& request) { return actions->move(call, request); });
  return table;
}

}  // namespace novacron::host::daemon
