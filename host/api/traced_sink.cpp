#include "host/api/traced_sink.h"

#include "host/trace/scope.h"

namespace novacron::host::api {
namespace {

class TracedSink final : public BodySink {
 public:
  TracedSink(std::unique_ptr<BodySink> sink, trace::Tracer* tracer, std::unique_ptr<RequestSpan> span,
             std::string route)
      : sink_(std::move(sink)), tracer_(tracer), span_(std::move(span)), route_(std::move(route)) {}

  Status write(std::string_view chunk) override {
    const trace::Scope scope(tracer_, span_->context());
    return sink_->write(chunk);
  }
  Response finish() override {
    const trace::Scope scope(tracer_, span_->context());
    auto response = sink_->finish();
    span_->answered(route_, response.status, "");
    return response;
  }

 private:
  const std::unique_ptr<BodySink> sink_;
  trace::Tracer* const tracer_;
  const std::unique_ptr<RequestSpan> span_;
  const std::string route_;
};

class TracedPipe final : public BodyPipe {
 public:
  TracedPipe(std::shared_ptr<BodyPipe> pipe, std::unique_ptr<RequestSpan> span, std::string route)
      : pipe_(std::move(pipe)), span_(std::move(span)), route_(std::move(route)) {}

  Fd take_socket() override { return pipe_->take_socket(); }
  Response wait() override {
    auto response = pipe_->wait();
    span_->answered(route_, response.status, "");
    return response;
  }
  void cancel() override { pipe_->cancel(); }

 private:
  const std::shared_ptr<BodyPipe> pipe_;
  const std::unique_ptr<RequestSpan> span_;
  const std::string route_;
};

}  // namespace

std::unique_ptr<BodySink> traced(std::unique_ptr<BodySink> sink, trace::Tracer* tracer,
                                 std::unique_ptr<RequestSpan> span, std::string route) {
  if (tracer == nullptr) return sink;
  return std::make_unique<TracedSink>(std::move(sink), tracer, std::move(span), std::move(route));
}

std::shared_ptr<BodyPipe> traced(std::shared_ptr<BodyPipe> pipe, trace::Tracer* tracer,
                                 std::unique_ptr<RequestSpan> span, std::string route) {
  if (tracer == nullptr) return pipe;
  return std::make_shared<TracedPipe>(std::move(pipe), std::move(span), std::move(route));
}

}  // namespace novacron::host::api
