// The body of a request that is traced, taken piece by piece or passed on as a stream.
#pragma once

#include <memory>
#include <string>

#include "host/api/http.h"
#include "host/api/tracing.h"

namespace novacron::host::api {

/// The same sink, whose steps work for the request and whose end is the span's. `tracer` null: the sink itself.
std::unique_ptr<BodySink> traced(std::unique_ptr<BodySink> sink, trace::Tracer* tracer,
                                 std::unique_ptr<RequestSpan> span, std::string route);
std::shared_ptr<BodyPipe> traced(std::shared_ptr<BodyPipe> pipe, trace::Tracer* tracer,
                                 std::unique_ptr<RequestSpan> span, std::string route);

}  // namespace novacron::host::api
