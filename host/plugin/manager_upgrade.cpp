// How one build of a plugin takes over from another while the plugin is in use.
//
//   made beside → calls wait → what runs comes to an end → state is handed over → the route leads to the new one →
//   calls go on → the old one is retired
//
// Until the route leads to the new one, whatever fails leaves the old one serving. Afterwards the new one is on
// probation, and rolling back is the same way in the other direction.
#include "host/base/log.h"
#include "host/plugin/broker.h"
#include "host/plugin/call_gate.h"
#include "host/plugin/manager_impl.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::plugin {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr uint64_t kNsPerUs = 1'000;
constexpr size_t kMaxStateMessages = 1'024;  ///< that a version leaves to the next
constexpr size_t kMaxStateBytes = 64 * 1'024 * 1'024;
constexpr double kTail = 0.99;

bool has_died(const Instance& instance) {
  return instance.guest() && instance.guest()->dead();
}

/// Its callee's end is the one that leaves the state, its caller's the one that takes it.
std::shared_ptr<Call> make_state(Core& core, uint64_t timeout_ms) {
  Call::Options options;
  options.flags = NC_METHOD_SERVER_STREAM;
  options.deadline_ns = core.now_ns() + timeout_ms * kNsPerMs;
  options.room = {kMaxStateMessages, kMaxStateBytes, Room::Beyond::kRefused};
  return std::make_shared<Call>(core, std::move(options));
}

Error on_probation(const std::string& id) {
  return {Code::kFailedPrecondition, id + " is on probation after an upgrade; wait for its end, or roll it back",
          "plugin.in-probation"};
}

const MethodUse* find_use(const std::vector<MethodUse>& uses, const MethodUse& of) {
  for (const MethodUse& use : uses) {
    if (use.service == of.service && use.method == of.method) return &use;
  }
  return nullptr;
}

double percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

struct Manager::Impl::Handover {
  Build next;
  Way way = Way::kForward;
  std::shared_ptr<Instance> old;
  std::shared_ptr<Instance> successor;
  std::shared_ptr<CallGate> gate;
  std::shared_ptr<Call> state;  ///< null: none
  std::vector<MethodUse> record;
  bool paused = false;
  bool old_is_lost = false;  ///< dead, or it hangs
  bool carried_state = false;
  uint64_t paused_at_ns = 0;
};

Status Manager::Impl::upgrade(const InstallRequest& request) {
  PackageFiles files;
  Build next = TRY(prepare_allowed(request, files));
  const PluginPtr plugin = find(request.id);
  if (!plugin) return Error{Code::kNotFound, request.id + " is not installed", "plugin.not-installed"};
  std::lock_guard lock(plugin->control);
  if (state_of(*plugin) != State::kEnabled) {
    return Error{Code::kFailedPrecondition, request.id + " is not enabled", "plugin.not-enabled"};
  }
  if (next.side() == plugin->build.side()) return {};
  if (plugin->trial && next.side() == plugin->trial->from.side()) {
    take_back(plugin, {Code::kCancelled, "the version before was asked for", "plugin.asked-back"});
    return {};
  }
  if (plugin->trial) return on_probation(request.id);
  plugin->rolled_back.reset();
  const Upgrade::Side from = plugin->build.side();
  note(*plugin, [&](Upgrade& upgrade) {
    upgrade = {};
    upgrade.phase = Upgrade::Phase::kLoading;
    upgrade.from = from;
    upgrade.to = next.side();
    upgrade.begun_at_ns = core_.options.clock->real_ns();
  });
  return switch_over(plugin, std::move(next), Way::kForward);
}

Status Manager::Impl::roll_back(std::string_view id, const Error& why) {
  const PluginPtr plugin = find(id);
  if (!plugin) return Error{Code::kNotFound, std::string(id) + " is not installed", "plugin.not-installed"};
  std::lock_guard lock(plugin->control);
  if (!plugin->trial) {
    return Error{Code::kFailedPrecondition, std::string(id) + " is not on probation", "plugin.not-in-probation"};
  }
  take_back(plugin, why);
  return {};
}

void Manager::Impl::forget_rolled_back(std::string_view id) {
  const PluginPtr plugin = find(id);
  if (!plugin) return;
  std::lock_guard control(plugin->control);
  std::lock_guard lock(mutex_);
  plugin->rolled_back.reset();
}

void Manager::Impl::note(Plugin& plugin, const std::function<void(Upgrade&)>& change) {
  PluginInfo now;
  {
    std::lock_guard lock(mutex_);
    change(plugin.info.upgrade);
    now = info_of(plugin);
  }
  const Upgrade& upgrade = now.upgrade;
  log_info("plugin", "upgrade",
           {{"plugin", now.id},
            {"phase", static_cast<int>(upgrade.phase)},
            {"from", upgrade.from.version},
            {"to", upgrade.to.version},
            {"reason", upgrade.reason},
            {"message", upgrade.message}});
  listener_.on_upgrade(now);
}

void Manager::Impl::roll_back_ended(Plugin& plugin, const Error& why) {
  note(plugin, [&](Upgrade& upgrade) {
    upgrade.phase = Upgrade::Phase::kRolledBack;
    upgrade.reason = why.reason;
    upgrade.message = why.message;
    upgrade.ended_at_ns = core_.options.clock->real_ns();
    plugin.rolled_back = upgrade;
  });
}

/// Loads and creates it; nothing reaches it yet.
Outcome Manager::Impl::make_beside(const std::string& id, const Build& build, std::shared_ptr<Instance>& made) {
  auto required = requirements(build);
  if (!required.ok()) return {std::move(required)};
  auto may = may_load();
  if (!may.ok()) return {std::move(may)};
  LoadedLibrary library;
  Outcome outcome = load(id, build, library);
  if (outcome.status.ok()) {
    made = make_instance(id, build, std::move(library));
    outcome = create(made, build.config, core_, *options());
  }
  admitted_is_over();
  if (outcome.abandoned) libraries_->abandon(id, build.digest);
  if (outcome.status.ok()) return outcome;
  if (made && made->guest()) made->guest()->close();
  made = nullptr;
  return outcome;
}

Status Manager::Impl::switch_over(const PluginPtr& plugin, Build next, Way way) {
  Handover handover;
  handover.next = std::move(next);
  handover.way = way;
  handover.old = plugin->instance;
  handover.gate = std::make_shared<CallGate>(core_, plugin->info.id);
  handover.old_is_lost = has_died(*handover.old);
  const Status done = hand_over(*plugin, handover);
  if (done.ok()) {
    take_place(plugin, handover);
    return {};
  }
  log_warn("plugin", "did not take over",
           {{"plugin", plugin->info.id}, {"version", handover.next.side().version}, {"why", done.error().message}});
  go_on(plugin, handover);
  if (way == Way::kForward) {
    roll_back_ended(*plugin, done.error());
  } else {
    end_trial(*plugin, "it could not be rolled back: " + done.error().message);
  }
  if (state_of(*plugin) == State::kEnabled) return {};
  return done;
}

/// Up to where the route leads to the successor.
Status Manager::Impl::hand_over(Plugin& plugin, Handover& handover) {
  const auto pause = [&] {
    handover.paused = true;
    handover.paused_at_ns = core_.now_ns();
    handover.record = handover.old->uses();
    handover.old->pause(handover.gate);
  };
  if (handover.old_is_lost) pause();  // its callers wait from now on, instead of failing
  TRY_STATUS(make_beside(plugin.info.id, handover.next, handover.successor).status);
  note(plugin, [&](Upgrade& upgrade) {
    if (handover.way == Way::kForward) upgrade.phase = Upgrade::Phase::kSwitching;
  });
  if (!handover.paused) pause();
  const uint64_t settle_ns = options()->upgrades.settle_ms * kNsPerMs;
  if (!handover.old_is_lost) (void)handover.old->settle(core_.now_ns() + settle_ns);
  TRY_STATUS(leave_state(plugin, handover));
  TRY_STATUS(take_state(plugin, handover));
  return handover.successor->take_over(*handover.old);  // the point of no return
}

/// What cannot be quiesced is not upgraded; but what is rolled back need not agree.
Status Manager::Impl::leave_state(Plugin& plugin, Handover& handover) {
  if (handover.old_is_lost) return {};
  const auto now = options();
  Instance& old = *handover.old;
  handover.state = make_state(core_, now->quiesce_timeout_ms + 2 * now->start_timeout_ms + now->create_timeout_ms);
  const nc_call sink = old.lend_sink(handover.state);
  Outcome left = quiesce(handover.old, sink, core_, *now);
  old.take_back(sink);
  (void)handover.state->write(End::kCallee, std::nullopt, true, 0);
  if (left.abandoned) libraries_->abandon(plugin.info.id, plugin.build.digest);
  handover.old_is_lost =
      left.abandoned || has_died(old) || (!left.status.ok() && left.status.error().reason == "plugin.killed");
  if (left.status.ok()) return {};
  handover.state = nullptr;
  if (handover.old_is_lost || handover.way == Way::kBack) return {};
  return left.status;
}

Status Manager::Impl::take_state(Plugin& plugin, Handover& handover) {
  const bool has_state = handover.state && handover.state->has_unread(End::kCallee);
  if (!has_state || !handover.successor->can_restore()) return start_cold(plugin, handover);
  const auto successor = handover.successor;
  const std::string from = plugin.build.side().version;
  Outcome taken = begin_instance(successor, core_, *options(), "restore",
                                 [successor, from, state = handover.state](uint64_t deadline_ns) {
                                   const nc_call source = successor->lend_source(state);
                                   Status restored = successor->restore(from, deadline_ns, source);
                                   successor->take_back(source);
                                   return restored;
                                 });
  if (taken.status.ok()) {
    handover.carried_state = true;
    return {};
  }
  handover.successor = nullptr;
  if (taken.abandoned) libraries_->abandon(plugin.info.id, handover.next.digest);
  if (successor->guest()) successor->guest()->close();
  if (taken.status.code() != Code::kFailedPrecondition) return std::move(taken.status);
  // It does not understand the state: another one starts without.
  TRY_STATUS(make_beside(plugin.info.id, handover.next, handover.successor).status);
  return start_cold(plugin, handover);
}

Status Manager::Impl::start_cold(Plugin& plugin, Handover& handover) {
  const auto successor = handover.successor;
  Outcome started = begin_instance(successor, core_, *options(), "start",
                                   [successor](uint64_t deadline_ns) { return successor->start(deadline_ns); });
  if (started.status.ok()) return {};
  handover.successor = nullptr;
  if (started.abandoned) libraries_->abandon(plugin.info.id, handover.next.digest);
  if (successor->guest()) successor->guest()->close();
  return std::move(started.status);
}

void Manager::Impl::take_place(const PluginPtr& plugin, Handover& handover) {
  Build from = plugin->build;
  {
    std::lock_guard lock(mutex_);
    plugin->instance = handover.successor;
  }
  take_on(*plugin, std::move(handover.next));
  handover.gate->open();
  const uint64_t pause_ns = core_.now_ns() - handover.paused_at_ns;
  if (handover.old_is_lost) {
    handover.old->lose();
    if (handover.old->guest()) handover.old->guest()->close();
  } else {
    retire_later(plugin->info.id, handover.old, from.digest);
  }
  {
    std::lock_guard lock(mutex_);
    plugin->info.upgrade.pause_ns = pause_ns;
    plugin->info.upgrade.carried_state = handover.carried_state;
  }
  if (handover.way == Way::kForward) begin_trial(plugin, {std::move(from), std::move(handover.record), 0, 0});
}

/// The successor is no more; what ran before serves on, or starts anew if it cannot.
void Manager::Impl::go_on(const PluginPtr& plugin, Handover& handover) {
  if (handover.successor) {
    handover.successor->stop();
    const Outcome ended = ::novacron::host::plugin::retire(handover.successor, core_, *options());
    if (ended.abandoned) libraries_->abandon(plugin->info.id, handover.next.digest);
    if (handover.successor->guest()) handover.successor->guest()->close();
  }
  if (!handover.paused) return;
  Outcome resumed{Error{Code::kUnavailable, "it is gone", "plugin.died"}};
  if (!handover.old_is_lost) resumed = resume(handover.old, core_, *options());
  if (!resumed.status.ok()) {
    if (!handover.old_is_lost && !resumed.abandoned) retire_later(plugin->info.id, handover.old, plugin->build.digest);
    if (handover.old_is_lost) handover.old->lose();
    (void)fail(*plugin, resumed.status.error(), resumed.abandoned);
    const Status admitted = admit(*plugin);
    if (admitted.ok()) (void)bring_up(*plugin);
    if (admitted.ok()) admitted_is_over();
  }
  handover.gate->open();
}

/// In the background: calls that began on it may take their time.
void Manager::Impl::retire_later(const std::string& id, std::shared_ptr<Instance> old, const std::string& digest) {
  later([this, id, old = std::move(old), digest] {
    const Outcome retired = ::novacron::host::plugin::retire(old, core_, *options());
    if (retired.abandoned) libraries_->abandon(id, digest);
    if (!retired.status.ok()) {
      log_warn("plugin", "did not end well", {{"plugin", id}, {"why", retired.status.error().message}});
    }
    if (old->guest()) old->guest()->close();
  });
}

void Manager::Impl::begin_trial(const PluginPtr& plugin, Trial trial) {
  const auto now = options();
  const uint64_t probation_ns = now->upgrades.probation_ms * kNsPerMs;
  trial.number = ++last_restart_;
  trial.until_ns = core_.now_ns() + probation_ns;
  const uint64_t number = trial.number;
  plugin->trial = std::move(trial);
  if (probation_ns == 0) return end_trial(*plugin, "");
  note(*plugin, [&](Upgrade& upgrade) {
    upgrade.phase = Upgrade::Phase::kProbation;
    upgrade.probation_until_ns = core_.options.clock->real_ns() + probation_ns;
  });
  look_again(plugin, number);
}

void Manager::Impl::look_again(const PluginPtr& plugin, uint64_t number) {
  const uint64_t check_ns = options()->upgrades.check_ms * kNsPerMs;
  core_.timers.at(std::min(core_.now_ns() + check_ns, plugin->trial->until_ns), [this, gate = gate_, plugin, number] {
    std::lock_guard lock(gate->mutex);
    if (gate->open) later([this, plugin, number] { check_trial(plugin, number); });
  });
}

void Manager::Impl::check_trial(const PluginPtr& plugin, uint64_t number) {
  std::lock_guard lock(plugin->control);
  if (!plugin->trial || plugin->trial->number != number) return;
  const Status well = verdict(*plugin, *plugin->trial);
  if (!well.ok()) return take_back(plugin, well.error());
  if (core_.now_ns() >= plugin->trial->until_ns) return end_trial(*plugin, "");
  look_again(plugin, number);
}

/// Against the record of the version before; each method by itself, since what is asked may change.
Status Manager::Impl::verdict(const Plugin& plugin, const Trial& trial) {
  const auto instance = plugin.instance;
  const auto now = options();
  const auto health = within(core_, plugin.info.id, now->health_timeout_ms, [instance] { return instance->health(); });
  if (!health) return Error{Code::kUnavailable, "it does not say how it is", "plugin.health"};
  TRY_STATUS(*health);
  const auto breakers = instance->open_breakers();
  if (!breakers.empty()) {
    return Error{Code::kUnavailable, "too many calls of " + breakers.front().service + " failed in a row",
                 "plugin.breaker-open"};
  }
  const Upgrades& rules = now->upgrades;
  for (const MethodUse& use : instance->uses()) {
    const uint64_t calls = use.durations.count();
    if (calls < rules.min_calls) continue;
    const MethodUse* const before = find_use(trial.record, use);
    const double usual = before ? percent(before->errors, before->durations.count()) : 0;
    const double errors = percent(use.errors, calls);
    const std::string name = use.service + '/' + use.method;
    if (errors > usual + rules.more_errors_percent) {
      return Error{Code::kUnavailable,
                   std::to_string(use.errors) + " of " + std::to_string(calls) + " calls of " + name + " failed, " +
                       std::to_string(static_cast<int>(usual)) + " % did before",
                   "plugin.more-errors"};
    }
    if (!before || before->durations.count() < rules.min_calls) continue;
    const uint64_t usual_ns = before->durations.quantile_ns(kTail);
    const uint64_t slow_ns = std::max(rules.slower_floor_us * kNsPerUs, usual_ns * rules.slower_percent / 100);
    const uint64_t tail_ns = use.durations.quantile_ns(kTail);
    if (tail_ns > slow_ns) {
      return Error{Code::kUnavailable,
                   "the 99th percentile of " + name + " is " + std::to_string(tail_ns / kNsPerUs) + " µs, it was " +
                       std::to_string(usual_ns / kNsPerUs) + " µs before",
                   "plugin.slower"};
    }
  }
  return {};
}

void Manager::Impl::take_back(const PluginPtr& plugin, const Error& why) {
  Build from = plugin->trial->from;
  const Status switched = switch_over(plugin, std::move(from), Way::kBack);
  if (!plugin->trial) return;  // it could not be
  plugin->trial.reset();
  if (switched.ok()) roll_back_ended(*plugin, why);
}

bool Manager::Impl::gate_is_open() const {
  std::lock_guard lock(gate_->mutex);
  return gate_->open;
}

/// It stays; no verdict is passed any more.
void Manager::Impl::end_trial(Plugin& plugin, const std::string& message) {
  if (!plugin.trial) return;
  plugin.trial.reset();
  if (!gate_is_open()) return;  // the host ends: its next start sees an upgrade that was cut off
  note(plugin, [&](Upgrade& upgrade) {
    upgrade.phase = Upgrade::Phase::kDone;
    upgrade.message = message;
    upgrade.ended_at_ns = core_.options.clock->real_ns();
  });
}

}  // namespace novacron::host::plugin
