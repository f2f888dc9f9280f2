#include "host/api/tracing.h"

#include "host/auth/openssl.h"
#include "host/base/random.h"
#include "host/trace/trace_parent.h"

namespace novacron::host::api {
namespace {

constexpr size_t kMaxRequestIdBytes = 64;
constexpr size_t kTraceIdBytes = 16, kSpanIdBytes = 8;
constexpr int kFirstServerError = 500;
std::string random_hex(size_t bytes) {
  std::string random(bytes, '\0');
  system_random().fill(random.data(), random.size());
  return auth::to_hex(random);
}

}  // namespace

bool is_trace_parent(std::string_view text) {
  return trace::parse_trace_parent(text).has_value();
}

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRequestIdBytes &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
             std::string_view::npos;
}

void adopt_trace(Request& request) {
  const auto id = request.headers.get("X-Request-Id");
  request.id = is_request_id(id) ? std::string(id) : random_hex(8);
  const auto parent = request.headers.get("traceparent");
  request.trace_parent = is_trace_parent(parent)
                             ? std::string(parent)
                             : "00-" + random_hex(kTraceIdBytes) + "-" + random_hex(kSpanIdBytes) + "-00";
}

RequestSpan::RequestSpan(trace::Tracer* tracer, const Request& request) : tracer_(tracer) {
  if (tracer_ == nullptr) return;
  const auto remote = trace::parse_trace_parent(request.headers.get("traceparent"));
  context_ = remote ? *remote : tracer_->new_trace();
  if (!context_.recorded()) return;
  span_ = tracer_->begin(context_, std::string(to_string(request.method)), trace::SpanKind::kServer);
  span_->remote_parent = remote.has_value();
  if (request.received_ns != 0) span_->start_ns = request.received_ns;
  span_->set("http.request.method", to_string(request.method));
  span_->set("novacron.request_id", request.id);
  context_ = span_->context;
}

RequestSpan::~RequestSpan() {
  if (!span_) return;
  span_->fail("http.no-answer");
  tracer_->end(*span_);
}

void RequestSpan::answered(std::string_view route, int status, std::string_view reason) {
  if (!span_) return;
  span_->name += ' ';
  span_->name += route;
  span_->set("http.route", route);
  span_->set("http.response.status_code", static_cast<int64_t>(status));
  if (!reason.empty()) span_->set("error.type", reason);
  if (status >= kFirstServerError) span_->fail(reason);
  tracer_->end(*span_);
  span_.reset();
}

}  // namespace novacron::host::api
