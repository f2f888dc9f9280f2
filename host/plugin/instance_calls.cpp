// An instance as a caller: routes, calls and what may be done with one.
#include <algorithm>

#include "host/plugin/breaker.h"
#include "host/plugin/call_trace.h"
#include "host/plugin/instance_parts.h"
#include "host/trace/scope.h"

namespace novacron::host::plugin {

namespace {

Status too_short() {
  return Error{Code::kInvalidArgument, "the request's size leaves out its message", "host.bad-request"};
}

bool same_streams(const MethodSpec& a, const MethodSpec& b) {
  constexpr uint32_t kStreams = NC_METHOD_CLIENT_STREAM | NC_METHOD_SERVER_STREAM;
  return (a.flags & kStreams) == (b.flags & kStreams);
}

}  // namespace

/// A call that is sound, and where it goes.
struct Instance::Outgoing {
  Call::Options options;
  Provider provider;
  uint32_t method = 0;
};

nc_route Instance::connect(const nc_service* wanted, const nc_target* target) {
  auto spec = service_spec(wanted);
  if (gone_ || !spec.ok()) return 0;
  Target where;
  if (target && NC_HAS(target, node)) where = {std::string(view(target->plugin)), std::string(view(target->node))};
  const std::string key = spec->name + ' ' + where.plugin + ' ' + where.node;
  std::lock_guard lock(connect_mutex_);
  const auto [begin, end] = known_routes_.equal_range(key);
  for (auto known = begin; known != end; ++known) {
    if (known->second.second->same(*spec, where)) return known->second.first;
  }
  auto route = std::make_shared<Route>(std::move(spec).value(), std::move(where));
  const nc_route id = routes_.insert(route);
  if (id == 0) return refuse_more("routes"), 0;
  known_routes_.emplace(key, std::make_pair(id, std::move(route)));
  return id;
}

/// Fills `out` and takes the request's message, whatever is returned.
Status Instance::prepare(nc_route route_id, const nc_request& request, Outgoing& out) {
  auto taken = TRY(take_message(request.message));
  const auto route = routes_.find(route_id);
  if (!route) return Error{Code::kFailedPrecondition, "the route is unknown or stale", "host.stale-route"};
  const ServiceSpec& wanted = route->wanted();
  if (request.method >= wanted.methods.size()) {
    return Error{Code::kInvalidArgument, wanted.name + " was declared with fewer methods", "host.no-such-method"};
  }
  out.options.context = TRY(contexts_.onward(request.context));
  if (core_.options.tracer) begin_trace(*core_.options.tracer, out.options, wanted, request.method, options_.id);
  TRY_STATUS(may_call(*out.options.context, wanted.name));
  const auto binding = TRY(route->resolve(core_.routes, core_.nodes));
  const uint32_t method = binding->methods[request.method];
  const auto name = [&] { return wanted.name + '/' + wanted.methods[request.method].name; };
  if (method == Route::Binding::kUnknown) {
    return Error{Code::kUnimplemented, binding->provider.endpoint->plugin() + " has no " + name(),
                 "plugin.no-such-method"};
  }
  const MethodSpec& callee = binding->provider.spec().methods[method];
  if (!same_streams(callee, wanted.methods[request.method])) {
    return Error{Code::kUnimplemented, name() + " streams other than its caller declared", "plugin.other-streams"};
  }
  out.provider = binding->provider;
  out.method = method;
  note_callee(out.options, out.provider.endpoint->plugin());
  out.options.flags = callee.flags;
  out.options.node = route->target().node;
  const uint64_t now_ns = core_.now_ns();
  out.options.deadline_ns = effective_deadline_ns(now_ns, request.deadline_ns, callee.default_timeout_ns);
  if (NC_HAS(&request, idempotency_key)) out.options.idempotency_key = view(request.idempotency_key);
  const bool client_stream = (callee.flags & NC_METHOD_CLIENT_STREAM) != 0;
  out.options.request = taken.message || client_stream ? std::move(taken.message) : Message{};
  out.options.request_last = taken.last || !client_stream;
  if (out.options.deadline_ns <= now_ns) {
    return Error{Code::kDeadlineExceeded, "the call's deadline is over already", "host.deadline"};
  }
  out.options.begun_ns = now_ns;
  out.options.breaker = out.provider.endpoint->breaker(out.provider.service);
  return out.options.breaker ? out.options.breaker->admit(out.options.probe) : Status();
}

nc_call Instance::call(nc_route route, const nc_request* request, void* ctx, Done done) {
  Outgoing out;
  Status sound = request && NC_HAS(request, message) ? prepare(route, *request, out) : too_short();
  if (gone_) return 0;
  if (sound.ok() && ends_.size() >= kMaxOpenOutgoing) {
    refuse_more("calls that it makes");
    sound = Error{Code::kResourceExhausted, options_.id + " has too many open calls", "host.too-many-calls"};
  }
  out.options.caller = crew_;
  const auto call = std::make_shared<Call>(core_, std::move(out.options));
  auto end = std::make_shared<CallEnd>(End::kCaller, call);
  end->ctx = ctx;
  end->done = done;
  Call* const cause = Frame::top() ? Frame::top()->cause() : nullptr;
  if (cause) end->cause = cause->weak_from_this();
  end->id = ends_.insert(end);
  if (end->id == 0) {
    fatal("leaks calls: it has " + std::to_string(kMaxCallIds) + " open");
    return 0;
  }
  if (done) {
    call->on_result([self = shared_from_this(), end] { self->post_callback([self, end] { self->run_done(end); }); });
  }
  if (sound.ok()) {
    out.provider.endpoint->deliver(call, out.provider.service, out.method);
    call->pending(cause);
  } else {
    call->finish_by_host(std::move(sound).error());
  }
  return end->id;
}

void Instance::run_done(const CallEndPtr& end) {
  if (gone_) return;
  {
    const ResultView result(end->call->take_result());
    const auto cause = end->cause.lock();
    const Frame frame(Where::kWorker, cause.get(), slot(), crew_.get());
    const trace::Scope scope(core_.options.tracer, end->call->made_in(), options_.id, "completion");
    (void)guarded("a completion", [&] { end->done(end->ctx, end->id, result.get()); });
  }
  end->call->abandon();
  end_call(end);
}

nc_code Instance::wait(nc_call id, uint64_t until_ns, const nc_result** result) {
  if (!Frame::may_wait()) return NC_FAILED_PRECONDITION;
  const CallEndPtr end = ends_.find(id);
  if (!end) return stale("wait");
  if (end->end != End::kCaller || end->done || !result) return NC_FAILED_PRECONDITION;
  const Status there = end->call->await_result(until_ns == 0 ? UINT64_MAX : until_ns);
  if (!there.ok()) return code_of(there.code());
  std::lock_guard lock(end->mutex);
  if (end->result) {
    end->result->forget_descriptors();
  } else {
    end->result = std::make_unique<ResultView>(end->call->take_result());
  }
  *result = end->result->get();
  return NC_OK;
}

void Instance::cancel(nc_call id) {
  const CallEndPtr end = ends_.find(id);
  if (end && end->end == End::kCaller) end->call->cancel();
}

void Instance::drop(nc_call id) {
  const CallEndPtr end = ends_.find(id);
  if (!end || end->end != End::kCaller) return;
  if (end->done) return end->call->cancel();  // done() still comes, and drops it
  end_call(end);
  end->call->abandon();
}

nc_code Instance::write(nc_call id, const nc_message* message, uint64_t until_ns) {
  auto taken = take_message(message);
  if (!Frame::may_wait()) return NC_FAILED_PRECONDITION;
  const CallEndPtr end = ends_.find(id);
  if (!end) return stale("write");
  if (!taken.ok()) return faults_.add(Fault::kBadMessage, taken.error().message), code_of(taken.code());
  const bool last = taken->last || !taken->message;  // no message: the end of the stream, nothing else
  const uint64_t until = until_ns == 0 ? UINT64_MAX : until_ns;
  return code_of(end->call->write(end->end, std::move(taken->message), last, until).code());
}

nc_code Instance::read(nc_call id, nc_message* message, uint64_t until_ns) {
  if (!Frame::may_wait()) return NC_FAILED_PRECONDITION;
  const CallEndPtr end = ends_.find(id);
  if (!end || !message) return stale("read");
  auto next = end->call->read(end->end, until_ns == 0 ? UINT64_MAX : until_ns);
  if (!next.ok()) return code_of(next.code());
  auto handed_out = std::make_unique<MessageView>();
  handed_out->set(std::move(next).value(), 0);
  handed_out->copy_to(*message);
  std::lock_guard lock(end->mutex);
  end->last_read = std::move(handed_out);
  return NC_OK;
}

}  // namespace novacron::host::plugin
