// An instance and what happens without a call: events that it publishes and gets, timers.
#include "host/bus/bus.h"
#include "host/bus/subject.h"
#include "host/plugin/instance_parts.h"
#include "host/trace/scope.h"

namespace novacron::host::plugin {

nc_code Instance::publish(nc_context context, const nc_event* event) {
  if (!event || !NC_HAS(event, body)) return NC_INVALID_ARGUMENT;
  std::string body;
  {
    const nc_message carrier{sizeof(nc_message), 0, event->body, {}};
    auto taken = take_message(&carrier);
    if (!taken.ok()) return faults_.add(Fault::kBadMessage, taken.error().message), code_of(taken.code());
    if (taken->message) body = std::move(taken->message->body);
  }
  if (gone_) return NC_FAILED_PRECONDITION;
  const auto who = contexts_.onward(context);
  if (!who.ok()) return code_of(who.code());
  bus::Event made;
  made.subject = view(event->subject);
  if (!bus::check_subject(made.subject).ok()) return NC_INVALID_ARGUMENT;
  if (!may_publish(**who, made.subject).ok()) return NC_PERMISSION_DENIED;
  made.tenant = view(event->tenant);
  const std::string& only = (*who)->identity.tenant;
  if (made.tenant.empty()) made.tenant = only;
  if (!only.empty() && made.tenant != only) return NC_PERMISSION_DENIED;
  made.trace_parent = view(event->trace_parent);
  if (made.trace_parent.empty()) made.trace_parent = (*who)->trace_parent;
  made.body = std::make_shared<const std::string>(std::move(body));
  if (NC_HAS(event, revision)) made.revision = event->revision;
  if (NC_HAS(event, time_ns)) made.time_ns = event->time_ns;
  return code_of(core_.options.bus->publish(std::move(made)).code());
}

/// Whether the interest may be had, and the only tenant that it may see.
Status Instance::admit(nc_context context, const nc_interest& interest, std::string& tenant) {
  if (stopping_) return Error{Code::kFailedPrecondition, options_.id + " is being disabled", "plugin.stopping"};
  const auto who = TRY(contexts_.onward(context));
  TRY_STATUS(bus::check_pattern(view(interest.pattern)));
  TRY_STATUS(may_subscribe(*who, view(interest.pattern)));
  tenant = who->identity.tenant;
  return {};
}

nc_subscription Instance::subscribe(nc_context context, const nc_interest* interest) {
  if (gone_ || !interest || !NC_CAN(interest, on_end) || !interest->on_events) return 0;
  auto subscription = std::make_shared<Subscription>();
  subscription->ctx = interest->ctx;
  subscription->on_events = interest->on_events;
  subscription->on_end = interest->on_end;
  subscription->id = subscriptions_.insert(subscription);
  std::string tenant;
  Status admitted = Error{Code::kResourceExhausted, options_.id + " has too many subscriptions"};
  if (subscription->id != 0) {
    admitted = admit(context, *interest, tenant);
  } else {
    refuse_more("subscriptions");
  }
  if (!admitted.ok()) {
    if (admitted.code() == Code::kPermissionDenied) {
      log_.write(NC_LOG_WARN, borrow("subscription refused: " + admitted.error().message), nullptr, 0);
    }
    post_callback(
        [self = shared_from_this(), subscription, why = admitted.code()] { self->run_on_end(subscription, why); });
    return subscription->id;
  }
  const uint64_t in_bus = subscribe_in_bus(subscription, *interest, tenant);
  {
    std::lock_guard lock(subscription->mutex);
    subscription->in_bus = in_bus;
  }
  if (stopping_ || gone_) unsubscribe(subscription->id);  // stop() may have looked too early
  return subscription->id;
}

/// `tenant`: the only one whose events it gets; "": all.
uint64_t Instance::subscribe_in_bus(const SubscriptionPtr& subscription, const nc_interest& interest,
                                    const std::string& tenant) {
  bus::Interest wanted;
  wanted.pattern = view(interest.pattern);
  if (!tenant.empty()) wanted.tenant = tenant;
  wanted.overflow = interest.overflow == NC_OVERFLOW_DROP_OLDEST ? bus::Overflow::kDropOldest : bus::Overflow::kEnd;
  wanted.max_queued = interest.max_queued;
  wanted.max_batch = interest.max_batch;
  wanted.after_revision = interest.after_revision;
  wanted.executor = [self = shared_from_this()](std::function<void()> work) -> Status {
    self->post_callback(std::move(work));
    return {};
  };
  bus::Callbacks callbacks;
  callbacks.on_events = [self = shared_from_this(), subscription](const bus::Batch& batch) {
    self->run_events(subscription, &batch);
  };
  callbacks.on_end = [self = shared_from_this(), subscription](const Error& why) {
    self->run_on_end(subscription, why.code);
  };
  return core_.options.bus->subscribe(std::move(wanted), std::move(callbacks));
}

void Instance::run_events(const SubscriptionPtr& subscription, const void* from_bus) {
  const auto& batch = *static_cast<const bus::Batch*>(from_bus);
  if (gone_) return;
  std::vector<nc_event> events(batch.events.size());
  std::vector<const nc_event*> pointers;
  pointers.reserve(events.size());
  for (size_t i = 0; i < events.size(); ++i) {
    const bus::Event& event = *batch.events[i];
    const std::string_view body = event.body ? std::string_view(*event.body) : std::string_view();
    events[i] = {sizeof(nc_event),
                 0,
                 borrow(event.subject),
                 borrow(event.tenant),
                 borrow(event.trace_parent),
                 {body.data(), body.size(), nullptr, nullptr},
                 event.revision,
                 event.time_ns,
                 i == 0 ? batch.missed : 0};
    pointers.push_back(&events[i]);
  }
  const Frame frame(Where::kWorker, nullptr, slot(), crew_.get());
  const trace::Scope scope(core_.options.tracer, {}, options_.id, "events");
  (void)guarded("on_events", [&] { subscription->on_events(subscription->ctx, pointers.data(), pointers.size()); });
}

void Instance::run_on_end(const SubscriptionPtr& subscription, Code why) {
  if (!gone_) {
    const Frame frame(Where::kWorker, nullptr, slot(), crew_.get());
    const trace::Scope scope(core_.options.tracer, {}, options_.id, "events");
    (void)guarded("on_end", [&] { subscription->on_end(subscription->ctx, code_of(why)); });
  }
  if (subscriptions_.take(subscription->id)) settled();
}

void Instance::unsubscribe(nc_subscription id) {
  const SubscriptionPtr subscription = subscriptions_.find(id);
  if (!subscription) return;
  uint64_t in_bus = 0;
  {
    std::lock_guard lock(subscription->mutex);
    in_bus = subscription->in_bus;
  }
  if (in_bus != 0) core_.options.bus->unsubscribe(in_bus);
}

nc_timer Instance::post(const nc_task* task) {
  if (gone_ || stopping_ || fatal_ || !task || !NC_CAN(task, run)) return 0;
  auto timer = std::make_shared<Timer>();
  timer->ctx = task->ctx;
  timer->run = task->run;
  timer->id = timers_.insert(timer);
  if (timer->id == 0) return refuse_more("timers"), 0;
  {
    std::lock_guard lock(timer->mutex);
    timer->in_queue = core_.timers.at(task->not_before_ns, [weak = weak_from_this(), timer] {
      if (const auto self = weak.lock()) self->fire(timer, NC_OK);
    });
  }
  if (stopping_) fire(timer, NC_CANCELLED);  // stop() may have looked too early
  return timer->id;
}

void Instance::unpost(nc_timer id) {
  const TimerPtr timer = timers_.find(id);
  if (!timer) return;
  disarm(*timer);
  fire(timer, NC_CANCELLED);
}

void Instance::disarm(Timer& timer) {
  std::lock_guard lock(timer.mutex);
  core_.timers.cancel(timer.in_queue);
}

void Instance::fire(const TimerPtr& timer, nc_code why) {
  {
    std::lock_guard lock(timer->mutex);
    if (std::exchange(timer->claimed, true)) return;
  }
  post_callback([self = shared_from_this(), timer, why] {
    if (self->gone_) return;
    {
      const Frame frame(Where::kWorker, nullptr, self->slot(), self->crew_.get());
      const trace::Scope scope(self->core_.options.tracer, {}, self->options_.id, "task");
      (void)self->guarded("a task", [&] { timer->run(timer->ctx, why); });
    }
    if (self->timers_.take(timer->id)) self->settled();
  });
}

}  // namespace novacron::host::plugin
