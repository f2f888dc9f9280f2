#include "host/daemon/plugin_controller.h"

#include <malloc.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>

#include "host/base/clock.h"
#include "host/base/log.h"
#include "host/daemon/plugin_status.h"
#include "host/plugin/manager.h"
#include "host/resource/controllers.h"
#include "novacron/core/v1/host.pb.h"

namespace novacron::host::daemon {
namespace {

namespace api = novacron::core::v1;
using nlohmann::ordered_json;

constexpr std::string_view kComponent = "plugins";
constexpr std::string_view kFinalizer = "novacron.core/plugin";
constexpr size_t kEventsAtOnce = 64;
constexpr uint64_t kWaitNs = 500'000'000;
constexpr uint64_t kPauseMs = 200;
constexpr const char* kInterrupted = "plugin.upgrade-interrupted";

resource::ObjectRef ref_of(const std::string& name) {
  return {std::string(resource::kPluginKind), "", name};
}

/// The last part of the event that tells of it.
std::string upgrade_token(plugin::Upgrade::Phase phase) {
  using Phase = plugin::Upgrade::Phase;
  if (phase == Phase::kRolledBack) return "rolled-back";
  if (phase == Phase::kDone) return "upgraded";
  return phase == Phase::kProbation ? "probation" : "upgrading";
}

/// The upgrade that must not be made again by itself; none: there is no such. One that was cut off by the host's end is
/// rolled back too: what it led to may have been what ended the host.
std::optional<plugin::Upgrade> rolled_back_in(const api::PluginStatus& status, bool is_first_look) {
  plugin::Upgrade upgrade = upgrade_of(status.upgrade());
  if (upgrade.phase == plugin::Upgrade::Phase::kRolledBack) return upgrade;
  if (!upgrade.under_way() || !is_first_look) return std::nullopt;
  upgrade.phase = plugin::Upgrade::Phase::kRolledBack;
  upgrade.reason = kInterrupted;
  upgrade.message = "the host ended during the upgrade";
  upgrade.ended_at_ns = system_clock().real_ns();
  return upgrade;
}

bool has_finalizer(const resource::ObjectView& object) {
  api::Metadata metadata;
  metadata.ParseFromString(object.metadata);
  const auto& all = metadata.finalizers();
  return std::find(all.begin(), all.end(), kFinalizer) != all.end();
}

}  // namespace

PluginController::PluginController(Parts parts) : parts_(std::move(parts)) {}

PluginController::~PluginController() {
  stop();
}

void PluginController::start(plugin::Manager& manager) {
  manager_ = &manager;
  parts_.store.controllers().set_known(false);
  lane_ = std::make_unique<Lane>(parts_.pool, Lane::Options{.name = "plugins", .max_running = kMaxPluginsAtOnce});
  follower_ = std::thread([this] { follow(); });
}

void PluginController::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (follower_.joinable()) follower_.join();
  lane_.reset();
}

bool PluginController::is_stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void PluginController::pause() {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, std::chrono::milliseconds(kPauseMs), [this] { return stopping_; });
}

void PluginController::follow() {
  while (!is_stopping()) {
    const Status ended = follow_once();
    if (ended.ok() || is_stopping()) return;
    log_debug(kComponent, "watch of plugins starts anew", {{"why", ended.error().message}});
    pause();
  }
}

Status PluginController::follow_once() {
  resource::ListOptions all;
  all.kind = resource::kPluginKind;
  resource::WatchOptions after;
  after.kind = all.kind;
  do {
    const auto page = TRY(parts_.store.list(parts_.context, all));
    for (const auto& object : page.objects) look_at(object.ref.name);
    if (after.after_revision == 0) after.after_revision = page.revision;
    all.page_token = page.next_page_token;
  } while (!all.page_token.empty());
  {
    const std::lock_guard lock(mutex_);
    is_listed_ = true;
  }
  settle_if_done();
  const auto watch = TRY(parts_.store.watch(parts_.context, after));
  while (!is_stopping()) {
    auto events = watch->wait(kEventsAtOnce, system_clock().monotonic_ns() + kWaitNs);
    if (events.code() == Code::kDeadlineExceeded) continue;
    for (const auto& event : TRY(std::move(events))) {
      if (event.type != resource::Event::Type::kBookmark) look_at(event.object.ref.name);
    }
  }
  return {};
}

void PluginController::look_at(const std::string& name, Attempt attempt) {
  {
    const std::lock_guard lock(mutex_);
    Work& work = work_[name];
    work.again = true;
    if (attempt == Attempt::kAnew) work.attempt = attempt;
    if (work.running || stopping_) return;
    work.running = true;
  }
  const Status posted = lane_->post([this, name] { run(name); });
  if (posted.ok()) return;
  log_error(kComponent, "plugin not looked at", {{"plugin", name}, {"why", posted.error().message}});
  const std::lock_guard lock(mutex_);
  work_.erase(name);
}

void PluginController::run(const std::string& name) {
  while (true) {
    Attempt attempt{};
    {
      const std::lock_guard lock(mutex_);
      Work& work = work_[name];
      if (!work.again || stopping_) {
        work_.erase(name);
        break;
      }
      work.again = false;
      attempt = std::exchange(work.attempt, Attempt::kIfNew);
    }
    reconcile(name, attempt);
  }
  settle_if_done();
}

/// With nothing left to look at, who acts on what is known; and what taking plugins up has needed (a library, its
/// contracts, the schema made of them) goes back to the system.
void PluginController::settle_if_done() {
  {
    const std::lock_guard lock(mutex_);
    if (!is_listed_ || is_settled_ || !work_.empty()) return;
    is_settled_ = true;
  }
  parts_.store.controllers().set_known(true);
  ::malloc_trim(0);
}

void PluginController::reconcile(const std::string& name, Attempt attempt) {
  const auto object = parts_.store.get(parts_.context, ref_of(name));
  if (object.code() == Code::kNotFound) {
    {
      const std::lock_guard lock(mutex_);
      failed_.erase(name);
    }
    const Status removed = manager_->remove(name);
    if (!removed.ok() && removed.code() != Code::kNotFound) {
      log_warn(kComponent, "plugin not removed", {{"plugin", name}, {"why", removed.error().message}});
    }
    return;
  }
  if (!object.ok()) {
    return log_warn(kComponent, "plugin not read", {{"plugin", name}, {"why", object.error().message}});
  }
  // The status that tells of a failure is a change of the object too.
  if (!object->deleting && attempt == Attempt::kIfNew && failed_before(*object)) return;
  const Status done = object->deleting ? remove(*object) : apply(*object);
  if (object->deleting && done.ok()) return;
  // It is followed when the probation is over, which is told by a change of its status.
  if (!done.ok() && done.error().reason == "plugin.in-probation") return;
  remember(*object, done);
  const auto info = manager_->info(name);
  write_status(name, info.ok() ? &*info : nullptr, object->generation, done.ok() ? nullptr : &done.error());
  if (done.ok()) look_at_waiting();  // a contract may have come that another waits for
}

bool PluginController::failed_before(const resource::ObjectView& object) {
  const std::lock_guard lock(mutex_);
  const auto found = failed_.find(object.ref.name);
  return found != failed_.end() && found->second.uid == object.ref.uid && found->second.generation == object.generation;
}

void PluginController::remember(const resource::ObjectView& object, const Status& done) {
  const std::lock_guard lock(mutex_);
  failed_.erase(object.ref.name);
  // An object that changed meanwhile is looked at again anyway.
  if (!done.ok() && done.code() != Code::kAborted) failed_[object.ref.name] = {object.ref.uid, object.generation};
}

Status PluginController::apply(const resource::ObjectView& object) {
  const std::string& name = object.ref.name;
  if (!has_finalizer(object)) {
    const auto kept = parts_.store.update_finalizers(parts_.context, object.ref, {std::string(kFinalizer)}, {});
    if (!kept.ok()) return kept.error();
  }
  api::PluginSpec spec;
  if (!spec.ParseFromString(object.spec)) return Error{Code::kDataLoss, "corrupt spec", "message.corrupt"};
  TRY_STATUS(install(object, spec));
  return spec.enabled() ? manager_->enable(name) : manager_->disable(name);
}

Result<resource::ObjectView> PluginController::read(const std::string& name) const {
  return parts_.store.get(parts_.context, ref_of(name));
}

Result<plugin::InstallRequest> PluginController::request_of(const resource::ObjectView& object) const {
  const std::string& name = object.ref.name;
  api::PluginSpec spec;
  api::PluginStatus before;
  if (!spec.ParseFromString(object.spec) || !before.ParseFromString(object.status)) {
    return Error{Code::kDataLoss, "corrupt spec or status", "message.corrupt"};
  }
  plugin::InstallRequest request;
  request.id = name;
  request.version = spec.version();
  if (spec.has_granted()) {
    auto granted = permissions_of(name, spec.granted());
    request.kernel = std::move(granted.kernel);
    request.grant = std::make_shared<const auth::Grant>(std::move(granted.grant));
  } else if (before.has_granted()) {
    request.granted_before = permissions_of(name, before.granted());
  }
  if (spec.placement() == api::PluginSpec::PLACEMENT_INLINE) request.placement = plugin::Placement::kInline;
  if (spec.placement() == api::PluginSpec::PLACEMENT_SANDBOXED) request.placement = plugin::Placement::kSandboxed;
  if (before.has_upgrade()) request.rolled_back = rolled_back_in(before, !manager_->info(name).ok());
  return request;
}

Status PluginController::install(const resource::ObjectView& object, const api::PluginSpec& spec) {
  const std::string& name = object.ref.name;
  plugin::InstallRequest request = TRY(request_of(object));
  // The configuration's type is part of the package's contracts, which come with a first installation.
  Status installed = manager_->install(request);
  if (installed.ok() && request.rolled_back && request.rolled_back->reason == kInterrupted) tell_interrupted(object);
  if (!installed.ok() && installed.error().reason == "plugin.other-version") return upgrade(std::move(request), spec);
  const bool is_enabled = installed.code() == Code::kFailedPrecondition && installed.error().reason == "plugin.enabled";
  if (!installed.ok() && !is_enabled) return installed;
  const auto info = TRY(manager_->info(name));
  if (info.manifest.config.empty() && spec.config_json().empty()) {
    if (!is_enabled) return {};
  }
  request.config = TRY(encoded_config(info.manifest.config, spec.config_json()));
  installed = manager_->install(request);
  if (installed.ok() || installed.error().reason != "plugin.enabled") return installed;
  // It runs: only its configuration may change without a stop.
  if (manager_->configure(name, request.config).ok() && manager_->install(request).ok()) return {};
  TRY_STATUS(manager_->disable(name));
  return manager_->install(request);
}

/// Once: the next look finds it in the status.
void PluginController::tell_interrupted(const resource::ObjectView& object) {
  api::PluginStatus before;
  before.ParseFromString(object.status);
  if (before.upgrade().reason() == kInterrupted) return;
  if (const auto now = manager_->info(object.ref.name); now.ok()) on_upgrade(*now);
}

/// It runs, and goes on while another version or placement takes over.
Status PluginController::upgrade(plugin::InstallRequest request, const api::PluginSpec& spec) {
  const auto wanted = TRY(manager_->chosen(request));
  request.config = TRY(encoded_config(wanted.config, spec.config_json()));
  return manager_->upgrade(request);
}

Status PluginController::remove(const resource::ObjectView& object) {
  const Status removed = manager_->remove(object.ref.name);
  if (!removed.ok() && removed.code() != Code::kNotFound) return removed;
  const auto released = parts_.store.update_finalizers(parts_.context, object.ref, {}, {std::string(kFinalizer)});
  if (released.ok() || released.code() == Code::kNotFound) return {};
  return released.error();
}

Result<std::string> PluginController::encoded_config(const std::string& type, const std::string& json) const {
  const std::string text = json.empty() ? "{}" : json;
  if (type.empty()) {
    if (text == "{}") return std::string();
    return Error{Code::kInvalidArgument, "the plugin has no configuration", "plugin.config"};
  }
  const auto schema = parts_.store.schema();
  const contract::MessageType* message = schema->find_message(type);
  if (message == nullptr) {
    return Error{
        Code::kFailedPrecondition,
        "no installed contract defines " + type + ": the plugin must provide the contract of its configuration",
        "plugin.config"};
  }
  return encode_config(*message, text);
}

void PluginController::retry_failed() {
  std::vector<std::string> names;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, unused] : failed_) names.push_back(name);
  }
  for (const std::string& name : names) look_at(name, Attempt::kAnew);
}

void PluginController::look_at_waiting() {
  for (const auto& info : manager_->list()) {
    if (info.reason == "plugin.requires") look_at(info.id, Attempt::kAnew);
  }
}

void PluginController::on_transition(const plugin::Transition& transition, const plugin::PluginInfo& now) {
  log_info(kComponent, "plugin changed",
           {{"plugin", transition.plugin},
            {"from", plugin::to_string(transition.from)},
            {"to", plugin::to_string(transition.to)},
            {"reason", transition.reason},
            {"message", transition.message}});
  {
    const std::lock_guard lock(mutex_);
    is_settled_ = false;
  }
  tell_controllers(now);
  write_status(transition.plugin, &now, 0, nullptr);
}

void PluginController::tell_controllers(const plugin::PluginInfo& now) {
  auto& controllers = parts_.store.controllers();
  if (now.state == plugin::State::kAvailable) return controllers.forget(now.id, now.changed_at_ns);
  using State = resource::Controllers::State;
  const State state = now.state == plugin::State::kEnabled ? State::kActs : State::kIdle;
  controllers.set(now.id, now.manifest.permissions.grant, state, now.changed_at_ns);
}

void PluginController::on_trouble(const std::string& reason, const plugin::PluginInfo& now) {
  // Its state is told by on_transition(), which may have come in between.
  const auto written = change_status(now.id, [&now](api::PluginStatus& status) { describe_troubles(now, status); });
  tell(reason, now.id, written.revision);  // also when a look at the plugin has written it already
}

void PluginController::on_upgrade(const plugin::PluginInfo& now) {
  tell_controllers(now);
  const auto written = change_status(now.id, [&now](api::PluginStatus& status) { describe(now, status); });
  tell("plugin." + upgrade_token(now.upgrade.phase), now.id, written.revision);
}

void PluginController::write_status(const std::string& name, const plugin::PluginInfo* info, uint64_t generation,
                                    const Error* failure) {
  const auto written = change_status(name, [&](api::PluginStatus& status) {
    if (info != nullptr) describe(*info, status);
    if (failure != nullptr) describe(*failure, status);
    if (generation != 0) status.set_observed_generation(generation);
  });
  if (written.before != written.after) tell("plugin." + subject_token(written.after), name, written.revision);
}

PluginController::StatusChange PluginController::change_status(const std::string& name,
                                                               const std::function<void(api::PluginStatus&)>& change) {
  const std::lock_guard one_at_a_time(status_mutex_);
  const auto object = parts_.store.get(parts_.context, ref_of(name));
  if (!object.ok()) return {};  // gone meanwhile
  api::PluginStatus status;
  status.ParseFromString(object->status);
  const int before = status.state();
  change(status);
  const std::string bytes = status.SerializeAsString();
  if (bytes == object->status) return {};
  const auto written = parts_.store.update_status(parts_.context, object->ref, bytes);
  if (written.ok()) return {before, status.state(), written->object.revision};
  log_warn(kComponent, "status not written", {{"plugin", name}, {"why", written.error().message}});
  return {};
}

void PluginController::tell(const std::string& subject, const std::string& name, uint64_t revision) {
  api::ObjectRef ref;
  ref.set_kind(std::string(resource::kPluginKind));
  ref.set_name(name);
  bus::Event event;
  event.subject = subject;
  event.body = std::make_shared<const std::string>(ref.SerializeAsString());
  event.revision = revision;
  publish(std::move(event));
}

void PluginController::on_death(const plugin::PluginDeath& death) {
  ordered_json body = {{"kind", resource::kPluginKind}, {"name", death.plugin}, {"how", death.how}};
  if (death.signal != 0) {
    body["signal"] = death.signal;
  } else {
    body["exit_status"] = death.exit_status;
  }
  body["last_lines"] = death.last_lines;
  bus::Event event;
  event.subject = "plugin.died";
  event.body = std::make_shared<const std::string>(body.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  publish(std::move(event));
}

void PluginController::publish(bus::Event event) {
  const Status published = parts_.bus.publish(std::move(event));
  if (!published.ok()) log_warn(kComponent, "event not published", {{"why", published.error().message}});
}

}  // namespace novacron::host::daemon
