// An instance as a callee: how a call enters the plugin, and how its result comes back.
#include "host/plugin/instance_parts.h"
#include "host/sandbox/guest.h"
#include "host/trace/scope.h"

namespace novacron::host::plugin {

bool Instance::needs_slot(const Method& method) const {
  return !crew_->reentrant() && (method.flags & NC_METHOD_CONCURRENT) == 0;
}

/// True: with the slot taken, if it is needed.
bool Instance::may_run_inline(const Method& method) {
  if (options_.guest) return false;  // a way to another process and back is no FAST one
  if ((method.flags & NC_METHOD_FAST) == 0 || method.demoted) return false;
  if (Frame::depth() >= kMaxInlineDepth) return false;
  const uint64_t since_ns = method.inline_since_ns.load(std::memory_order_relaxed);
  if (since_ns != 0 && core_.now_ns() > since_ns + kFastStallNs) return false;  // it may hang
  return !needs_slot(method) || crew_->try_take_slot();
}

void Instance::deliver(const std::shared_ptr<Call>& call, uint32_t service, uint32_t method) {
  ++calls_;
  auto end = std::make_shared<CallEnd>(End::kCallee, call);
  end->method = &methods_[service][method];
  end->service_index = service;
  end->method_index = method;
  end->arrived_ns = core_.now_ns();
  if (ends_.size() >= kMaxOpenIncoming) {
    refuse_more("open calls");
    return refuse(end, {Code::kResourceExhausted, options_.id + " has too many open calls", "plugin.too-many-calls"});
  }
  end->id = ends_.insert(end);
  // Looked at after the insertion: either drain() sees this call, or this sees that it has begun.
  if (!accepting_ || end->id == 0) return turn_away(end);
  if (may_run_inline(methods_[service][method])) return run_inline(end, service, method);
  queue(end, service, method);
}

void Instance::queue(const CallEndPtr& end, uint32_t service, uint32_t method) {
  const Method& called = methods_[service][method];
  const bool with_slot = needs_slot(called);
  end->call->queued(crew_, with_slot);
  if (!end->goes(CallEnd::Place::kArriving, CallEnd::Place::kQueued)) return move_to_gate(end);
  auto posted =
      crew_->post_call(with_slot ? Crew::Need::kSlot : Crew::Need::kNothing,
                       [self = shared_from_this(), end, service, method] { self->run_queued(end, service, method); });
  if (posted.ok() || !end->goes(CallEnd::Place::kQueued, CallEnd::Place::kIn)) return;
  ++refused_;
  if (posted.code() == Code::kResourceExhausted) faults_.add(Fault::kQueueFull, called.name);
  refuse(end, std::move(posted).error());
}

void Instance::note_result(const CallEnd& end, bool succeeded) {
  end.method->durations.record(core_.now_ns() - end.arrived_ns);
  if (succeeded) return;
  ++errors_;
  end.method->errors.fetch_add(1, std::memory_order_relaxed);
}

void Instance::refuse(const CallEndPtr& end, Error error) {
  note_result(*end, false);
  end->call->finish_by_host(std::move(error));
  end_call(end);
}

void Instance::run_inline(const CallEndPtr& end, uint32_t service, uint32_t method) {
  Method& called = methods_[service][method];
  const bool with_slot = needs_slot(called);
  if (!end->goes(CallEnd::Place::kArriving, CallEnd::Place::kIn)) {
    move_to_gate(end);
  } else if (end->call->begin(crew_, with_slot)) {
    const uint64_t begun_ns = core_.now_ns();
    uint64_t nobody = 0;
    const bool first = called.inline_since_ns.compare_exchange_strong(nobody, begun_ns);
    enter(end, service, method);
    if (first) called.inline_since_ns = 0;
    note_duration(called, core_.now_ns() - begun_ns);
  } else {
    end_call(end);
  }
  if (with_slot) crew_->give_slot();
}

void Instance::run_queued(const CallEndPtr& end, uint32_t service, uint32_t method) {
  if (gone_ || !end->goes(CallEnd::Place::kQueued, CallEnd::Place::kIn)) return;
  const bool with_slot = needs_slot(methods_[service][method]);
  if (!end->call->begin(crew_, with_slot)) return end_call(end);
  enter(end, service, method);
}

/// A plugin in its own process does not see the call, so it is told.
void Instance::tell_of_cancel(const CallEnd& end) const {
  if (!options_.guest) return;
  end.call->on_cancel([guest = std::weak_ptr(options_.guest), id = end.id] {
    if (const auto there = guest.lock()) there->note_cancelled(id);
  });
}

Error Instance::why_refused(nc_code code) const {
  return {code_of(code), options_.id + " refused the call", "plugin.refused"};
}

void Instance::enter(const CallEndPtr& end, uint32_t service, uint32_t method) {
  Call& call = *end->call;
  const Method& called = methods_[service][method];
  end->context = contexts_.begin(call.context());
  if (end->context == 0) {
    return refuse(end, {Code::kResourceExhausted, options_.id + " has too many contexts", "plugin.too-many-calls"});
  }
  nc_request request{};
  request.size = sizeof(request);
  request.method = method;
  request.call = end->id;
  request.context = end->context;
  request.deadline_ns = call.deadline_ns();
  request.idempotency_key = borrow(call.idempotency_key());
  request.node = borrow(call.node());
  MessageView message;
  if (auto body = call.take_request()) {
    message.set(std::move(*body), call.request_last() ? NC_MESSAGE_LAST : 0);
    request.message = message.get();
  }
  tell_of_cancel(*end);
  nc_code code = NC_INTERNAL;
  Status entered;
  {
    const Where where = (called.flags & NC_METHOD_FAST) ? Where::kFast : Where::kWorker;
    const Frame frame(where, &call, needs_slot(called) ? crew_.get() : nullptr, crew_.get());
    const trace::Scope scope(core_.options.tracer, call.trace());
    entered = guarded("invoke", [&] { code = options_.plugin->invoke(instance_, service, &request); });
  }
  if (code == NC_OK) return call.returned();
  if (ends_.take(end->id)) finish_refused(*end, entered.ok() ? why_refused(code) : std::move(entered).error());
}

/// It was not finished, and will not be.
void Instance::finish_refused(const CallEnd& end, Error why) {
  note_result(end, false);
  contexts_.end(end.context);
  if (options_.guest && options_.guest->dead()) {
    // Not its word: a breaker that learned from it would keep callers from the process that comes next.
    end.call->finish_by_host({Code::kUnavailable, options_.id + " is gone", "plugin.died"});
  } else {
    end.call->finish(std::move(why));
  }
  settled();
}

void Instance::note_duration(Method& method, uint64_t ns) {
  if (ns <= kFastBudgetNs) {
    if (method.overrun_score.load(std::memory_order_relaxed) > 0) --method.overrun_score;
    return;
  }
  ++overruns_;
  faults_.add(Fault::kSlowFast, method.name);
  if ((method.overrun_score += kOverrunWeight) >= kDemoteAt) method.demoted = true;
}

nc_code Instance::finish(nc_call id, const nc_result* result) {
  auto value = take_result(result);
  const CallEndPtr end =
      ends_.take_when(id, [](const CallEndPtr& candidate) { return candidate->end == End::kCallee; });
  if (!end) return stale("finish");
  if (value.code() == Code::kInternal && value.error().reason == "plugin.bad-result") {
    faults_.add(Fault::kBadMessage, value.error().message);
  }
  note_result(*end, value.ok());
  contexts_.end(end->context);
  end->call->finish(std::move(value));
  settled();
  return NC_OK;
}

int32_t Instance::cancelled(nc_call id) {
  const CallEndPtr end = ends_.find(id);
  return !end || end->call->cancelled() ? 1 : 0;
}

}  // namespace novacron::host::plugin
