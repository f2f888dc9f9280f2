#include "host/plugin/call_trace.h"

#include "host/trace/trace_parent.h"

namespace novacron::host::plugin {

void begin_trace(trace::Tracer& tracer, Call::Options& call, std::string_view service, std::string_view method,
                 std::string_view caller) {
  const auto made_in = trace::Tracer::parent_of(call.context->trace_parent);
  const auto parent = made_in.sampling == trace::Sampling::kUndecided ? tracer.new_trace() : made_in;
  call.unsampled = !parent.recorded();
  if (call.unsampled) return;
  std::string name(service);
  name += '/';
  name += method;
  auto span = tracer.begin(parent, std::move(name));
  span->set("rpc.system", "novacron");
  span->set("rpc.service", service);
  span->set("rpc.method", method);
  span->set("novacron.caller", caller.empty() ? "host" : caller);
  auto context = std::make_shared<auth::Context>(*call.context);
  context->trace_parent = trace::format_trace_parent(span->context);
  call.context = std::move(context);
  const auto own = span->context;
  call.trace = std::make_unique<CallTrace>(CallTrace{made_in, own, std::move(*span)});
}

void note_callee(Call::Options& call, std::string_view plugin) {
  if (call.trace) call.trace->span.set("novacron.callee", plugin.empty() ? "host" : plugin);
}

void note_begin(const trace::Tracer& tracer, trace::Span& span) {
  span.set("novacron.waited_ns", static_cast<int64_t>(tracer.now_ns() - span.start_ns));
}

void end_trace(const trace::Tracer& tracer, trace::Span& span, const Result<Message>& result) {
  if (!result.ok()) {
    const auto code = to_string(result.code());
    span.set("rpc.status", code);
    span.fail(result.error().reason.empty() ? code : std::string_view(result.error().reason));
  }
  tracer.end(span);
}

}  // namespace novacron::host::plugin
