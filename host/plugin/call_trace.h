// Calls as spans: one for each, below what its context or the caller's thread works for.
#pragma once

#include <string_view>

#include "host/plugin/call.h"
#include "host/trace/tracer.h"

namespace novacron::host::plugin {

/// Where tracing is on. Whose call it is: "" the host. A recorded call's callee sees the call's own span as its parent.
void begin_trace(trace::Tracer& tracer, Call::Options& call, std::string_view service, std::string_view method,
                 std::string_view caller);
inline void begin_trace(trace::Tracer& tracer, Call::Options& call, const ServiceSpec& service, uint32_t method,
                        std::string_view caller) {
  begin_trace(tracer, call, service.name, service.methods[method].name, caller);
}

// Of a recorded call: who gets it, that it is let in, and what came of it, before anybody else sees that.
void note_callee(Call::Options& call, std::string_view plugin);
void note_begin(const trace::Tracer& tracer, trace::Span& span);
void end_trace(const trace::Tracer& tracer, trace::Span& span, const Result<Message>& result);

}  // namespace novacron::host::plugin
