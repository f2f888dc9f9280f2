#include "host/daemon/traces.h"

#include "host/base/log.h"
#include "host/daemon/version.h"
#include "host/trace/endpoint.h"
#include "host/trace/http_transport.h"

namespace novacron::host::daemon {

Result<std::unique_ptr<Traces>> Traces::create(const Config& config, const std::string& incarnation) {
  const auto& settings = config.traces;
  if (settings.endpoint.empty()) return std::unique_ptr<Traces>();
  const auto endpoint = TRY(trace::parse_endpoint(settings.endpoint));
  auto transport = TRY(trace::make_http_transport({settings.endpoint, settings.headers, settings.ca}));
  log_info("traces", "traces are sent", {{"host", endpoint.host}, {"port", endpoint.port}, {"ratio", settings.ratio}});
  if (!endpoint.tls && !settings.headers.empty()) {
    log_warn("traces", "headers go to the collector in the clear", {{"host", endpoint.host}});
  }
  return std::unique_ptr<Traces>(new Traces(config, incarnation, std::move(transport)));
}

Traces::Traces(const Config& config, const std::string& incarnation, std::unique_ptr<trace::Transport> transport)
    : exporter_({.source = {config.node_name, std::string(kVersion), incarnation}}, std::move(transport)),
      tracer_({.ratio = config.traces.ratio, .record = [this](trace::Span span) { exporter_.add(std::move(span)); }}) {}

}  // namespace novacron::host::daemon
