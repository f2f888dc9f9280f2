#include "host/plugin/instance.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "host/base/log.h"
#include "host/bus/bus.h"
#include "host/plugin/breaker.h"
#include "host/plugin/call_gate.h"
#include "host/plugin/instance_parts.h"
#include "host/sandbox/guest.h"
#include "host/trace/scope.h"

namespace novacron::host::plugin {
namespace {

/// Instances that may still run, and what they use: never destroyed.
struct Abandoned {
  std::mutex mutex;
  std::vector<std::pair<std::shared_ptr<Core>, std::shared_ptr<Instance>>> kept;
};
Abandoned& abandoned() {
  static auto* const instances = new Abandoned;
  return *instances;
}

Status status_of(nc_code code, const nc_error& error, std::string_view reason) {
  if (code == NC_OK) return {};
  const size_t length = ::strnlen(error.text, sizeof(error.text));
  std::string text(error.text, length);
  if (text.empty()) text = "the plugin answered " + std::string(to_string(code_of(code)));
  return Error{code_of(code), std::move(text), std::string(reason)};
}

nc_buf buffer_of(const std::string& bytes) {
  return {bytes.data(), bytes.size(), nullptr, nullptr};
}

}  // namespace

std::shared_ptr<Instance> Instance::make(const std::shared_ptr<Core>& core, Options options) {
  std::shared_ptr<Instance> instance(new Instance(core, std::move(options)));
  instance->make_breakers();
  if (const auto& guest = instance->guest()) guest->owned_by(instance);
  std::lock_guard lock(core->mutex);
  auto& known = core->instances;
  known.erase(std::remove_if(known.begin(), known.end(), [](const auto& weak) { return weak.expired(); }), known.end());
  known.push_back(instance);
  return instance;
}

Instance::Instance(const std::shared_ptr<Core>& core, Options options)
    : core_(*core),
      core_owner_(core),
      options_(std::move(options)),
      host_(Table::make(this)),
      contexts_(*core->options.clock, options_.id, options_.grant, core->options.node),
      log_(*core->options.clock, options_.id),
      faults_([this](std::string_view reason) { trouble(reason); }) {
  if (options_.guest) instance_ = options_.guest->handle();
  for (const ServiceSpec& service : options_.services) {
    auto methods = std::make_unique<Method[]>(service.methods.size());
    for (size_t i = 0; i < service.methods.size(); ++i) {
      methods[i].flags = service.methods[i].flags;
      methods[i].name = service.name + '/' + service.methods[i].name;
    }
    methods_.push_back(std::move(methods));
  }
  Crew::Options crew{"plugin " + options_.id};
  crew.max_running = kMaxWorkers;
  crew.max_queued_calls = kMaxQueuedCalls;
  crew.reentrant = (options_.plugin->descriptor->flags & NC_PLUGIN_REENTRANT) != 0;
  crew.slot = Crew::Slot::kTaken;  // until it has started
  crew_ = std::make_shared<Crew>(*core_.options.pool, core_.timers, *core_.options.clock, std::move(crew));
}

Instance::~Instance() = default;

void Instance::make_breakers() {
  for (const ServiceSpec& service : options_.services) {
    Breaker::Options options{options_.id, service.name, nullptr, nullptr};
    options.on_change = [weak = weak_from_this()](Breaker::Change change) {
      const auto self = weak.lock();
      if (self) self->trouble(change == Breaker::Change::kOpened ? "plugin.breaker-open" : "plugin.breaker-closed");
    };
    options.on_no_answer = [weak = weak_from_this(), name = service.name] {
      if (const auto self = weak.lock()) self->faults_.add(Fault::kNoAnswer, name);
    };
    breakers_.push_back(std::make_shared<Breaker>(*core_.options.clock, std::move(options)));
  }
}

template <class Function>
Status Instance::step(std::string_view entry, std::string_view reason, Function&& function) {
  nc_error error{};
  nc_code code = NC_OK;
  const trace::Scope scope(core_.options.tracer, {}, options_.id, entry);
  TRY_STATUS(guarded(entry, [&] { code = function(error); }));
  return status_of(code, error, reason);
}

Status Instance::create(const std::string& config) {
  const nc_buf buffer = buffer_of(config);
  const Frame frame(Where::kControl, nullptr, slot());
  Status created = step("create", "plugin.create-failed",
                        [&](nc_error& error) { return options_.plugin->create(&host_, &buffer, &instance_, &error); });
  if (!created.ok()) shut();
  return created;
}

Status Instance::start(uint64_t deadline_ns) {
  Status started;
  if (NC_CAN(options_.plugin, start)) {
    const Frame frame(Where::kControl, nullptr, slot());
    started = step("start", "plugin.start-failed",
                   [&](nc_error& error) { return options_.plugin->start(instance_, deadline_ns, &error); });
  }
  give_first_slot();
  return started;
}

Status Instance::configure(const std::string& config, uint64_t until_ns) {
  if (!NC_CAN(options_.plugin, configure)) {
    return Error{Code::kUnimplemented, options_.id + " takes a configuration only when it is enabled",
                 "plugin.not-configurable"};
  }
  if (!crew_->take_slot(until_ns)) {
    return Error{Code::kDeadlineExceeded, options_.id + " is busy", "plugin.busy"};
  }
  const nc_buf buffer = buffer_of(config);
  Status configured;
  {
    const Frame frame(Where::kControl, nullptr, slot());
    configured = step("configure", "plugin.configure-failed",
                      [&](nc_error& error) { return options_.plugin->configure(instance_, &buffer, &error); });
  }
  crew_->give_slot();
  return configured;
}

Status Instance::health() {
  if (!NC_CAN(options_.plugin, health)) return {};
  if (asking_health_.exchange(true)) {
    return Error{Code::kUnavailable, options_.id + " has not answered the last question yet", "plugin.health"};
  }
  Status healthy;
  // Looked at after the flag was set: either drain() sees that, or this sees that it has begun.
  if (!stopping_ && !gone_) {
    const Frame frame(Where::kAny, nullptr, nullptr);
    healthy =
        step("health", "plugin.unhealthy", [&](nc_error& error) { return options_.plugin->health(instance_, &error); });
  }
  asking_health_ = false;
  settled();
  return healthy;
}

Status Instance::quiesce(uint64_t deadline_ns, nc_call state) {
  if (!NC_CAN(options_.plugin, quiesce)) return {};
  const Frame frame(Where::kControl, nullptr, nullptr);
  return step("quiesce", "plugin.quiesce-failed",
              [&](nc_error& error) { return options_.plugin->quiesce(instance_, deadline_ns, state, &error); });
}

Status Instance::resume(uint64_t until_ns) {
  if (!crew_->take_slot(until_ns)) {
    return Error{Code::kDeadlineExceeded, "a worker of " + options_.id + " does not come back", "plugin.stuck"};
  }
  stopping_ = false;  // it may make timers and subscriptions again
  Status resumed;
  if (NC_CAN(options_.plugin, resume)) {
    const Frame frame(Where::kControl, nullptr, slot());
    resumed = step("resume", "plugin.resume-failed",
                   [&](nc_error& error) { return options_.plugin->resume(instance_, until_ns, &error); });
  } else if (NC_CAN(options_.plugin, quiesce)) {
    resumed = Error{Code::kUnimplemented, options_.id + " cannot go on once it was quiesced", "plugin.resume-failed"};
  }
  crew_->give_slot();
  stopping_ = !resumed.ok();
  accepting_ = resumed.ok() && !fatal_;
  return resumed;
}

Status Instance::restore(const std::string& from_version, uint64_t deadline_ns, nc_call state) {
  Status restored;
  {
    const Frame frame(Where::kControl, nullptr, slot());
    restored = step("restore", "plugin.restore-failed", [&](nc_error& error) {
      return options_.plugin->restore(instance_, borrow(from_version), state, deadline_ns, &error);
    });
  }
  give_first_slot();
  return restored;
}

void Instance::give_first_slot() {
  has_slot_ = false;
  crew_->give_slot();
}

Status Instance::destroy(uint64_t until_ns) {
  if (!has_slot_ && !crew_->take_slot(until_ns)) {
    return Error{Code::kDeadlineExceeded, "a worker of " + options_.id + " does not come back", "plugin.stuck"};
  }
  Status destroyed;
  {
    const Frame frame(Where::kControl, nullptr, slot());
    destroyed = guarded("destroy", [&] { options_.plugin->destroy(instance_); });
  }
  shut();
  return destroyed;
}

Status Instance::open() {
  if (fatal_) return Error{Code::kFailedPrecondition, "it gave up while it started: " + why_fatal(), "plugin.fatal"};
  accepting_ = true;
  auto added = core_.routes.add(shared_from_this());
  if (!added.ok()) accepting_ = false;
  return added;
}

Status Instance::take_over(const Instance& from) {
  if (fatal_) return Error{Code::kFailedPrecondition, "it gave up while it started: " + why_fatal(), "plugin.fatal"};
  accepting_ = true;
  core_.routes.replace(from, shared_from_this());
  return {};
}

void Instance::pause(std::shared_ptr<CallGate> gate) {
  {
    std::lock_guard lock(drain_mutex_);
    gate_ = std::move(gate);
  }
  accepting_ = false;
  stopping_ = true;
  for (const CallEndPtr& end : ends_.all()) {
    if (end->end == End::kCallee && end->goes(CallEnd::Place::kQueued, CallEnd::Place::kMoved)) move_to_gate(end);
    // Whoever is about to queue it finds it moved, and does the rest.
    if (end->end == End::kCallee) (void)end->goes(CallEnd::Place::kArriving, CallEnd::Place::kMoved);
  }
  end_streams(" gives way to another instance");
}

void Instance::stop() {
  core_.routes.remove(*this);
  accepting_ = false;
  stopping_ = true;
  for (const CallEndPtr& end : ends_.all()) {
    if (end->end == End::kCaller || end->call->streams() || end->call->begun()) continue;
    end->call->finish_by_host({Code::kUnavailable, options_.id + " is being disabled", "plugin.stopping"});
  }
  end_streams(" is being disabled");
}

void Instance::end_streams(std::string_view why) {
  for (const CallEndPtr& end : ends_.all()) {
    if (!end->call->streams()) continue;
    if (end->end == End::kCaller) {
      end->call->cancel();
    } else {
      end->call->finish_by_host({Code::kUnavailable, options_.id + std::string(why), "host.moved"});
    }
  }
  for (const SubscriptionPtr& subscription : subscriptions_.all()) unsubscribe(subscription->id);
  for (const TimerPtr& timer : timers_.all()) unpost(timer->id);
}

bool Instance::settle(uint64_t until_ns) {
  const auto settled = [this] {
    if (subscriptions_.size() != 0 || timers_.size() != 0) return false;
    const auto ends = ends_.all();
    return std::none_of(ends.begin(), ends.end(), [](const CallEndPtr& end) { return end->end == End::kCallee; });
  };
  std::unique_lock lock(drain_mutex_);
  while (!settled()) {
    const uint64_t now_ns = core_.now_ns();
    if (now_ns >= until_ns) return false;
    drained_.wait_for(lock, std::chrono::nanoseconds(until_ns - now_ns));
  }
  return true;
}

nc_call Instance::lend(End which, const std::shared_ptr<Call>& state) {
  auto end = std::make_shared<CallEnd>(which, state);
  end->place = CallEnd::Place::kIn;
  return end->id = ends_.insert(end);
}

void Instance::take_back(nc_call state) {
  if (ends_.take(state)) settled();
}

std::shared_ptr<CallGate> Instance::gate() {
  std::lock_guard lock(drain_mutex_);
  return gate_;
}

void Instance::turn_away(const CallEndPtr& end) {
  if (gate()) return move_to_gate(end);
  refuse(end, {Code::kUnavailable, options_.id + " is being disabled", "plugin.stopping"});
}

void Instance::move_to_gate(const CallEndPtr& end) {
  --calls_;
  if (end->id != 0) end_call(end);
  end->call->taken_back();
  gate()->deliver(end->call, options_.services[end->service_index], end->method_index, fatal_ ? this : nullptr);
}

bool Instance::hangs() const {
  if (crew_->workers() > 0) return true;
  for (size_t service = 0; service < methods_.size(); ++service) {
    const Method* const methods = methods_[service].get();
    const size_t count = options_.services[service].methods.size();
    if (std::any_of(methods, methods + count, [](const Method& m) { return m.inline_since_ns != 0; })) return true;
  }
  return false;
}

bool Instance::idle() const {
  return ends_.size() == 0 && subscriptions_.size() == 0 && timers_.size() == 0 && !asking_health_;
}

void Instance::settled() {
  if (!stopping_) return;
  std::lock_guard lock(drain_mutex_);
  drained_.notify_all();
}

void Instance::cancel_all() {
  for (const CallEndPtr& end : ends_.all()) end->call->cancel();
}

bool Instance::drain(uint64_t until_ns) {
  const uint64_t begun_ns = core_.now_ns();
  const uint64_t halfway_ns = begun_ns + (until_ns - std::min(begun_ns, until_ns)) / 2;
  bool cancelled = false;
  std::unique_lock lock(drain_mutex_);
  while (!idle()) {
    const uint64_t now_ns = core_.now_ns();
    if (now_ns >= until_ns) return false;
    if (now_ns >= halfway_ns && !cancelled) {
      cancelled = true;
      lock.unlock();
      cancel_all();
      lock.lock();
      continue;
    }
    const uint64_t next_ns = cancelled ? until_ns : halfway_ns;
    drained_.wait_for(lock, std::chrono::nanoseconds(next_ns - now_ns));
  }
  return true;
}

void Instance::abandon() {
  {
    std::lock_guard lock(abandoned().mutex);
    abandoned().kept.emplace_back(core_owner_.lock(), shared_from_this());
  }
  core_.routes.remove(*this);
  shut();
  core_.abandoned.add(options_.id, [self = shared_from_this()] { return self->hangs(); });
}

void Instance::lose() {
  core_.routes.remove(*this);
  stopping_ = true;
  shut("plugin.died");
}

void Instance::shut(const char* reason) {
  accepting_ = false;
  gone_ = true;
  const bool gave_way = gate() != nullptr;
  for (const CallEndPtr& end : ends_.close()) {
    // One that is arriving only passes through.
    if (gave_way && (end->goes(CallEnd::Place::kArriving, CallEnd::Place::kMoved) || end->is_moved())) continue;
    if (end->end == End::kCaller) {
      end->call->abandon();
    } else {
      end->call->finish_by_host({Code::kUnavailable, options_.id + " is gone", reason});
    }
  }
  for (const SubscriptionPtr& subscription : subscriptions_.all()) unsubscribe(subscription->id);
  for (const TimerPtr& timer : timers_.close()) disarm(*timer);
  contexts_.close();
  routes_.close();
  {
    std::lock_guard lock(connect_mutex_);
    known_routes_.clear();
  }
  // Nothing enters the plugin any more, but what is owed to others must still be done.
  for (auto& callback : crew_->close()) callback();
}

void Instance::post_callback(std::function<void()> work) {
  // A copy is kept because a crew that is closed takes nothing, and what is owed to others must still be done.
  auto shared = std::make_shared<std::function<void()>>(std::move(work));
  if (!crew_->post_callback([shared] { (*shared)(); })) (*shared)();
}

void Instance::end_call(const CallEndPtr& end) {
  if (ends_.take(end->id)) settled();
}

void Instance::fatal(std::string why) {
  if (fatal_.exchange(true) || gone_) return;
  accepting_ = false;
  log_warn("plugin." + options_.id, "fatal", {{"why", why}});
  {
    std::lock_guard lock(drain_mutex_);
    why_fatal_ = why;
  }
  if (options_.on_fatal) options_.on_fatal(std::move(why));
}

Status Instance::threw(std::string_view entry, const std::string& what) {
  std::string why = options_.id + " threw an exception from " + std::string(entry) + ": " + what;
  fatal(why);
  return Error{Code::kInternal, std::move(why), "plugin.threw"};
}

std::string Instance::why_fatal() {
  std::lock_guard lock(drain_mutex_);
  return why_fatal_;
}

void Instance::trouble(std::string_view reason) {
  if (!gone_ && options_.on_trouble) options_.on_trouble(reason);
}

nc_code Instance::stale(std::string_view function) {
  if (!gone_) faults_.add(Fault::kStaleId, function);
  return NC_FAILED_PRECONDITION;
}

std::vector<OpenBreaker> Instance::open_breakers() const {
  std::vector<OpenBreaker> open;
  for (const auto& breaker : breakers_) {
    OpenBreaker found;
    if (breaker->describe(found)) open.push_back(std::move(found));
  }
  return open;
}

std::vector<MethodUse> Instance::uses() const {
  std::vector<MethodUse> all;
  for (size_t i = 0; i < methods_.size(); ++i) {
    const ServiceSpec& service = options_.services[i];
    for (size_t n = 0; n < service.methods.size(); ++n) {
      const Method& method = methods_[i][n];
      all.push_back({options_.id, service.name, service.methods[n].name, method.durations.snapshot(), method.errors});
    }
  }
  return all;
}

PluginCounters Instance::counters() const {
  PluginCounters counters;
  counters.calls = calls_;
  counters.errors = errors_;
  counters.queued = crew_->queued_calls();
  counters.refused = refused_;
  counters.fast_overruns = overruns_;
  counters.logs_dropped = log_.dropped();
  return counters;
}

}  // namespace novacron::host::plugin
