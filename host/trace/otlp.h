// Spans as OTLP has them in JSON: ExportTraceServiceRequest of opentelemetry-proto 1.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/trace/span.h"

namespace novacron::host::trace {

/// Who recorded the spans.
struct Source {
  std::string node;
  std::string version;
  std::string incarnation;  ///< of this run of the host
};

/// `real_minus_monotonic_ns`: what makes a monotonic time one since 1970.
std::string to_otlp(const Source& source, const std::vector<Span>& spans, int64_t real_minus_monotonic_ns);

/// How many spans the collector says it has rejected, by the body of its answer; 0 for a body that says nothing.
uint64_t rejected_spans(std::string_view answer);

}  // namespace novacron::host::trace
