// The host as a plugin sees it: the functions of nc_host, each for the instance that it was made for.
#include <algorithm>
#include <cstring>

#include "host/plugin/instance_parts.h"

namespace novacron::host::plugin {

nc_code Instance::context_info(nc_context id, nc_caller* out) {
  const auth::ContextPtr context = contexts_.find(id);
  if (gone_ || !context || !out) return NC_FAILED_PRECONDITION;
  const auth::Context& who = *context;
  nc_caller caller{};
  caller.size = out->size;
  caller.principal = borrow(who.identity.principal);
  caller.tenant = borrow(who.identity.tenant);
  if (!who.chain.empty()) caller.plugin = borrow(who.chain.back()->plugin);
  caller.node = borrow(who.node);
  caller.trace_parent = borrow(who.trace_parent);
  caller.lease = borrow(who.lease);
  caller.fence = who.fence;
  std::memcpy(out, &caller, std::min<size_t>(out->size, sizeof(caller)));
  return NC_OK;
}

nc_host Instance::Table::make(Instance* self) {
  nc_host host{};
  host.size = sizeof(host);
  host.abi_minor = NC_ABI_MINOR;
  host.self = self;
  host.get_extension = [](void*, const char*) -> const void* { return nullptr; };
  host.log = [](void* me, int32_t level, nc_str event, const nc_field* const* fields, size_t len) {
    if (!of(me).log_.write(level, event, fields, len)) of(me).faults_.add(Fault::kLogFlood, view(event));
  };
  host.now = [](void* me, int32_t clock) {
    const Clock& source = *of(me).core_.options.clock;
    return clock == NC_CLOCK_REAL ? source.real_ns() : source.monotonic_ns();
  };
  host.random = [](void* me, void* out, size_t len) { of(me).core_.options.random->fill(out, len); };
  host.fatal = [](void* me, nc_str why) { of(me).fatal(std::string(view(why).substr(0, kMaxTextBytes))); };
  add_calls(host);
  add_contexts_and_events(host);
  return host;
}

void Instance::Table::add_calls(nc_host& host) {
  host.connect = [](void* me, const nc_service* wanted, const nc_target* target) {
    return of(me).connect(wanted, target);
  };
  host.call = [](void* me, nc_route route, const nc_request* request, void* ctx, Done done) {
    return of(me).call(route, request, ctx, done);
  };
  host.wait = [](void* me, nc_call call, uint64_t until_ns, const nc_result** result) {
    return of(me).wait(call, until_ns, result);
  };
  host.cancel = [](void* me, nc_call call) { of(me).cancel(call); };
  host.drop = [](void* me, nc_call call) { of(me).drop(call); };
  host.write = [](void* me, nc_call call, const nc_message* message, uint64_t until_ns) {
    return of(me).write(call, message, until_ns);
  };
  host.read = [](void* me, nc_call call, nc_message* message, uint64_t until_ns) {
    return of(me).read(call, message, until_ns);
  };
  host.finish = [](void* me, nc_call call, const nc_result* result) { return of(me).finish(call, result); };
  host.cancelled = [](void* me, nc_call call) { return of(me).cancelled(call); };
}

void Instance::Table::add_contexts_and_events(nc_host& host) {
  host.context_info = [](void* me, nc_context context, nc_caller* out) { return of(me).context_info(context, out); };
  host.context_hold = [](void* me, nc_context context, uint64_t until_ns) {
    return of(me).gone_ ? 0 : of(me).contexts_.hold(context, until_ns);
  };
  host.context_drop = [](void* me, nc_context context) { of(me).contexts_.drop(context); };
  host.publish = [](void* me, nc_context context, const nc_event* event) { return of(me).publish(context, event); };
  host.subscribe = [](void* me, nc_context context, const nc_interest* interest) {
    return of(me).subscribe(context, interest);
  };
  host.unsubscribe = [](void* me, nc_subscription id) { of(me).unsubscribe(id); };
  host.post = [](void* me, const nc_task* task) { return of(me).post(task); };
  host.unpost = [](void* me, nc_timer timer) { of(me).unpost(timer); };
}

}  // namespace novacron::host::plugin
