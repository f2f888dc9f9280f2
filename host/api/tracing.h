// Which request this is, for whoever reads logs and traces: X-Request-Id and W3C Trace Context.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "host/api/http.h"
#include "host/trace/tracer.h"

namespace novacron::host::api {

/// "00-<32 hex>-<16 hex>-<2 hex>", not all zeros.
bool is_trace_parent(std::string_view text);
/// 1 to 64 letters, digits, '-', '_' and '.'.
bool is_request_id(std::string_view text);

/// Sets the request's id and trace parent: the client's own where they are well formed, else new ones that nobody has
/// sampled yet.
void adopt_trace(Request& request);

/// A request as a span, from its head to its answer.
class RequestSpan final {
 public:
  /// `tracer` null: tracing is off. It outlives this.
  RequestSpan(trace::Tracer* tracer, const Request& request);
  /// A request that got no answer ends as failed.
  ~RequestSpan();
  RequestSpan(const RequestSpan&) = delete;
  RequestSpan& operator=(const RequestSpan&) = delete;

  /// What is done for the request.
  const trace::SpanContext& context() const { return context_; }
  /// `route`: as describe() of router.h gives it.
  void answered(std::string_view route, int status, std::string_view reason);

 private:
  trace::Tracer* const tracer_;
  trace::SpanContext context_;
  std::unique_ptr<trace::Span> span_;
};

}  // namespace novacron::host::api
