#include "host/trace/scope.h"

#include "host/trace/trace_parent.h"

namespace novacron::host::trace {
namespace {
thread_local Scope* top_scope = nullptr;

Origin recorded_here() {
  Origin origin = Origin::here();
  if (!origin.context.recorded()) origin.tracer = nullptr;
  return origin;
}
}  // namespace

void Scope::enter(Tracer& tracer, const SpanContext& context) {
  work_.emplace(Work{&tracer, top_scope, context});
  top_scope = this;
}

void Scope::enter(Tracer& tracer, const SpanContext& context, std::string_view who, std::string_view what) {
  enter(tracer, context);
  if (context.sampling != Sampling::kUndecided) return;
  work_->who = who;
  work_->what = what;
  work_->begun_ns = tracer.now_ns();
}

void Scope::leave() {
  top_scope = work_->below;
  if (work_->own) work_->tracer->end(*work_->own);
}

Scope* Scope::top() {
  return top_scope;
}

const SpanContext& Scope::context() {
  Work& work = *work_;
  if (work.context.sampling != Sampling::kUndecided || work.what.empty()) return work.context;
  work.context = work.tracer->new_trace();
  if (!work.context.recorded()) return work.context;
  work.own = work.tracer->begin(work.context, std::string(work.who) + ' ' + std::string(work.what));
  work.own->start_ns = work.begun_ns;
  work.context = work.own->context;
  return work.context;
}

Origin Origin::here() {
  Scope* const current = Scope::top();
  return current ? Origin{&current->tracer(), current->context()} : Origin{};
}

Part::Part(std::string_view name) : Part(recorded_here(), name) {}

Part::Part(const Origin& origin, std::string_view name) : tracer_(origin.tracer) {
  if (!tracer_ || !origin.context.recorded()) return;
  span_ = tracer_->begin(origin.context, std::string(name));
  scope_.emplace(tracer_, span_->context);
}

Part::~Part() {
  scope_.reset();
  if (span_) tracer_->end(*span_);
}

std::string trace_parent_or(const std::string& given) {
  Scope* const current = Scope::top();
  return current && current->context().recorded() ? format_trace_parent(current->context()) : given;
}

}  // namespace novacron::host::trace
