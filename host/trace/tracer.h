// Which traces are recorded, and the spans of those.
//
// A trace is sampled where it begins: by the caller's word when the request brought one, else by chance. Everything
// below follows, so what is not recorded costs a look at one flag.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "host/base/clock.h"
#include "host/base/random.h"
#include "host/trace/span.h"

namespace novacron::host::trace {

/// [any] thread. Where tracing is off there is none: a null pointer.
class Tracer final {
 public:
  struct Options {
    double ratio = 1;  ///< of the traces that begin here: 0 to 1
    const Clock* clock = &system_clock();
    Random* random = &system_random();
    std::function<void(Span)> record;  ///< [any] gets every span that has ended; quick
  };
  explicit Tracer(Options options) : options_(std::move(options)) {}

  /// Where work on behalf of `trace_parent` (W3C; empty: nobody's) belongs: below the thread's current work if that is
  /// of the same trace, or if there is no other. Undecided: it begins a trace.
  static SpanContext parent_of(std::string_view trace_parent);

  /// A new trace, without a span yet.
  SpanContext new_trace() const;
  /// The parent, or a new trace where it is undecided. Null: it is not recorded.
  std::unique_ptr<Span> begin(SpanContext parent, std::string name, SpanKind kind = SpanKind::kInternal) const;
  /// Stamps the end and records it; what is left is empty.
  void end(Span& span) const;

  uint64_t now_ns() const { return options_.clock->monotonic_ns(); }

 private:
  const Options options_;
};

}  // namespace novacron::host::trace
