// What each part of the host counts, for whoever scrapes /metrics.
#pragma once

#include "host/api/server.h"
#include "host/blob/store.h"
#include "host/bus/bus.h"
#include "host/metrics/metrics.h"
#include "host/plugin/lifecycle.h"
#include "host/state/engine.h"
#include "host/trace/exporter.h"

namespace novacron::host::daemon {

void tell_bus(metrics::Sink& sink, const bus::Bus::Stats& stats);
void tell_state(metrics::Sink& sink, const state::EngineStatus& status);
void tell_server(metrics::Sink& sink, const api::Server::Stats& stats);
void tell_traces(metrics::Sink& sink, const trace::Exporter::Stats& stats);
void tell_plugins(metrics::Sink& sink, const std::vector<plugin::PluginInfo>& plugins,
                  const std::vector<plugin::MethodUse>& uses);

}  // namespace novacron::host::daemon
