#include "host/sandbox/guest_table.h"

#include "host/base/clock.h"
#include "host/sandbox/descriptors.h"

namespace novacron::host::sandbox {

void Guest::Table::fill(nc_plugin& table, uint32_t bits) {
  table = {};
  table.size = sizeof(table);
  table.abi_minor = NC_ABI_MINOR;
  if (bits & kHasCreate) table.create = create;
  if (bits & kHasInvoke) table.invoke = invoke;
  if (bits & kHasDestroy) table.destroy = destroy;
  if (bits & kHasStart) table.start = start;
  if (bits & kHasConfigure) table.configure = configure;
  if (bits & kHasHealth) table.health = health;
  if (bits & kHasQuiesce) table.quiesce = quiesce;
  if (bits & kHasResume) table.resume = resume;
  if (bits & kHasRestore) table.restore = restore;
}

nc_code Guest::Table::create(const nc_host* host, const nc_buf* config, nc_instance** out, nc_error* error) {
  Guest& self = of(*out);
  self.host_ = host;
  Out payload = out_for(EnterOp::kCreate);
  put_buffer(payload, *config);
  return self.run(std::move(payload), "create", error);
}

nc_code Guest::Table::start(nc_instance* me, uint64_t deadline_ns, nc_error* error) {
  Out payload = out_for(EnterOp::kStart);
  payload.writer.number(deadline_ns);
  return of(me).run(std::move(payload), "start", error);
}

nc_code Guest::Table::invoke(nc_instance* me, uint32_t service, const nc_request* request) {
  Guest& self = of(me);
  if (request->message && !may_enter(request->message->fds)) {
    nc_fds fds = request->message->fds;
    close_all(fds);
    return NC_PERMISSION_DENIED;
  }
  Out payload = out_for(EnterOp::kInvoke);
  payload.writer.number(service);
  put_request(payload, *request);
  const uint64_t now_ns = system_clock().monotonic_ns();
  const uint64_t left_ns = request->deadline_ns > now_ns ? request->deadline_ns - now_ns : 0;
  return self.run(std::move(payload), "invoke", nullptr, left_ns + self.options_.stuck_ns);
}

nc_code Guest::Table::configure(nc_instance* me, const nc_buf* config, nc_error* error) {
  Out payload = out_for(EnterOp::kConfigure);
  put_buffer(payload, *config);
  return of(me).run(std::move(payload), "configure", error);
}

nc_code Guest::Table::health(nc_instance* me, nc_error* error) {
  return of(me).run(out_for(EnterOp::kHealth), "health", error);
}

nc_code Guest::Table::quiesce(nc_instance* me, uint64_t deadline_ns, nc_call sink, nc_error* error) {
  Out payload = out_for(EnterOp::kQuiesce);
  payload.writer.number(deadline_ns);
  payload.writer.number(sink);
  return of(me).run(std::move(payload), "quiesce", error);
}

nc_code Guest::Table::resume(nc_instance* me, uint64_t deadline_ns, nc_error* error) {
  Out payload = out_for(EnterOp::kResume);
  payload.writer.number(deadline_ns);
  return of(me).run(std::move(payload), "resume", error);
}

nc_code Guest::Table::restore(nc_instance* me, nc_str from_version, nc_call source, uint64_t deadline_ns,
                              nc_error* error) {
  Out payload = out_for(EnterOp::kRestore);
  payload.writer.text(view(from_version));
  payload.writer.number(source);
  payload.writer.number(deadline_ns);
  return of(me).run(std::move(payload), "restore", error);
}

void Guest::Table::destroy(nc_instance* me) {
  (void)of(me).run(out_for(EnterOp::kDestroy), "destroy", nullptr);
}

}  // namespace novacron::host::sandbox
