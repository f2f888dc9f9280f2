// The testing host as the ABI has it.
#include "novacron/testing/core.h"

namespace novacron::testing {
namespace {

Seat& seat_of(void* self) {
  return *static_cast<Seat*>(self);
}
Core& core_of(void* self) {
  return seat_of(self).core;
}

void add_basics(nc_host& table) {
  table.get_extension = [](void*, const char*) -> const void* { return nullptr; };
  table.log = [](void* self, int32_t level, nc_str event, const nc_field* const* fields, size_t length) {
    core_of(self).log(level, event, fields, length);
  };
  table.now = [](void* self, int32_t clock) { return core_of(self).now(clock); };
  table.random = [](void* self, void* out, size_t length) { core_of(self).random(out, length); };
  table.fatal = [](void* self, nc_str why) { core_of(self).fatal(view(why)); };
}

void add_calls(nc_host& table) {
  table.connect = [](void* self, const nc_service* wanted, const nc_target* target) {
    if (target == nullptr) return core_of(self).connect(wanted, {}, {});
    return core_of(self).connect(wanted, view(target->plugin), view(target->node));
  };
  table.call = [](void* self, nc_route route, const nc_request* request, void* ctx,
                  void (*done)(void*, nc_call, const nc_result*)) {
    return core_of(self).call(seat_of(self), route, *request, ctx, done);
  };
  table.wait = [](void* self, nc_call call, uint64_t until_ns, const nc_result** result) {
    return core_of(self).wait(call, until_ns, result);
  };
  table.cancel = [](void* self, nc_call call) { core_of(self).cancel(call); };
  table.drop = [](void* self, nc_call call) { core_of(self).drop(call); };
  table.write = [](void* self, nc_call call, const nc_message* message, uint64_t until_ns) {
    return core_of(self).write(call, *message, until_ns);
  };
  table.read = [](void* self, nc_call call, nc_message* message, uint64_t until_ns) {
    return core_of(self).read(call, message, until_ns);
  };
  table.finish = [](void* self, nc_call call, const nc_result* result) { return core_of(self).finish(call, *result); };
  table.cancelled = [](void* self, nc_call call) { return core_of(self).is_cancelled(call) ? 1 : 0; };
}

void add_contexts(nc_host& table) {
  table.context_info = [](void* self, nc_context context, nc_caller* out) {
    return core_of(self).context_info(context, out);
  };
  table.context_hold = [](void* self, nc_context context, uint64_t) { return core_of(self).hold_context(context); };
  table.context_drop = [](void* self, nc_context context) { core_of(self).drop_context(context); };
}

void add_events(nc_host& table) {
  table.publish = [](void* self, nc_context, const nc_event* event) { return core_of(self).publish(*event); };
  table.subscribe = [](void* self, nc_context, const nc_interest* interest) {
    return core_of(self).subscribe(seat_of(self), *interest);
  };
  table.unsubscribe = [](void* self, nc_subscription id) { core_of(self).unsubscribe(id); };
  table.post = [](void* self, const nc_task* task) { return core_of(self).post(seat_of(self), *task); };
  table.unpost = [](void* self, nc_timer timer) { core_of(self).unpost(timer); };
}

}  // namespace

Seat::Seat(Core& owner, std::string id) : core(owner), plugin(std::move(id)), table(host_table(this)) {
  own_context = core.make_context(plugin.empty() ? Caller{.principal = "user:test", .tenant = "default"}
                                                 : Caller{.principal = "plugin:" + plugin, .plugin = plugin});
}

nc_host host_table(Seat* seat) {
  nc_host table{};
  table.size = sizeof(table);
  table.abi_minor = NC_ABI_MINOR;
  table.self = seat;
  add_basics(table);
  add_calls(table);
  add_contexts(table);
  add_events(table);
  return table;
}

}  // namespace novacron::testing
