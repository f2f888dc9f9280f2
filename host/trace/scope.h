// What the current thread works for, so that spans nest without being handed through every function.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "host/trace/tracer.h"

namespace novacron::host::trace {

/// On the stack; the newest of a thread is its top(). Where tracing is off it does nothing, and costs next to nothing.
class Scope final {
 public:
  /// Work for what there is already. `tracer` null: tracing is off.
  Scope(Tracer* tracer, const SpanContext& context) {
    if (tracer) enter(*tracer, context);
  }
  /// The same; and where `context` is undecided, work that nobody asked for: a trace begins when something in it is
  /// traced first, and its span, named by both texts, ends with the scope. They outlive it.
  Scope(Tracer* tracer, const SpanContext& context, std::string_view who, std::string_view what) {
    if (tracer) enter(*tracer, context, who, what);
  }
  ~Scope() {
    if (work_) leave();
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  static Scope* top();

  Tracer& tracer() const { return *work_->tracer; }
  /// Decides now where it was not yet.
  const SpanContext& context();
  /// Without deciding.
  bool is_in(const TraceId& trace) const { return work_->context.recorded() && work_->context.trace == trace; }

 private:
  struct Work {
    Tracer* tracer = nullptr;
    Scope* below = nullptr;
    SpanContext context;
    std::string_view who = {};
    std::string_view what = {};
    uint64_t begun_ns = 0;
    std::unique_ptr<Span> own = nullptr;  ///< of a trace that began here
  };
  void enter(Tracer& tracer, const SpanContext& context);
  void enter(Tracer& tracer, const SpanContext& context, std::string_view who, std::string_view what);
  void leave();

  std::optional<Work> work_;  ///< of every scope that a thread can see
};

/// The same, to be taken up on another thread.
struct Origin {
  Tracer* tracer = nullptr;
  SpanContext context;

  /// Of the current thread.
  static Origin here();
};

/// A span for a part of the current work, from now to its destruction; nothing where that is not recorded.
class Part final {
 public:
  explicit Part(std::string_view name);
  /// On behalf of what another thread began.
  Part(const Origin& origin, std::string_view name);
  ~Part();
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  /// Null: nothing is recorded.
  Span* span() { return span_.get(); }

 private:
  Tracer* const tracer_;
  std::unique_ptr<Span> span_;
  std::optional<Scope> scope_;
};

/// The current work's trace parent for a chain that starts here, or else `given`.
std::string trace_parent_or(const std::string& given);

}  // namespace novacron::host::trace
