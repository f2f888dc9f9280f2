#include "host/trace/tracer.h"

#include "host/trace/scope.h"
#include "host/trace/trace_parent.h"

namespace novacron::host::trace {
namespace {

constexpr double kTwoTo56 = 72'057'594'037'927'936.0;

/// The last 56 bits of the id are random (W3C, level 2), so every node that looks at them decides alike.
bool is_chosen(const TraceId& id, double ratio) {
  uint64_t chance = 0;
  for (size_t i = 9; i < id.size(); ++i) chance = chance << 8 | id[i];
  return static_cast<double>(chance) < ratio * kTwoTo56;
}

}  // namespace

SpanContext Tracer::parent_of(std::string_view trace_parent) {
  Scope* const current = Scope::top();
  if (trace_parent.empty()) return current ? current->context() : SpanContext{};
  if (!says_sampled(trace_parent)) return {{}, {}, Sampling::kNo};
  const auto named = parse_trace_parent(trace_parent);
  if (!named) return {{}, {}, Sampling::kNo};
  if (current && current->is_in(named->trace)) return current->context();
  return *named;
}

SpanContext Tracer::new_trace() const {
  SpanContext context;
  if (options_.ratio <= 0) {
    context.sampling = Sampling::kNo;
    return context;
  }
  options_.random->fill(context.trace.data(), context.trace.size());
  context.trace[0] |= 1;  // never all zeros
  context.sampling = is_chosen(context.trace, options_.ratio) ? Sampling::kYes : Sampling::kNo;
  return context;
}

std::unique_ptr<Span> Tracer::begin(SpanContext parent, std::string name, SpanKind kind) const {
  if (parent.sampling == Sampling::kUndecided) parent = new_trace();
  if (!parent.recorded()) return nullptr;
  auto span = std::make_unique<Span>();
  span->context = parent;
  span->parent = parent.span;
  options_.random->fill(span->context.span.data(), span->context.span.size());
  span->context.span[0] |= 1;
  span->kind = kind;
  span->name = std::move(name);
  span->start_ns = now_ns();
  return span;
}

void Tracer::end(Span& span) const {
  span.end_ns = now_ns();
  options_.record(std::move(span));
}

}  // namespace novacron::host::trace
