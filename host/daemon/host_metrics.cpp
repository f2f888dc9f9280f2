#include "host/daemon/host_metrics.h"

namespace novacron::host::daemon {
namespace {

double number(auto value) {
  return static_cast<double>(value);
}

void tell_plugin(metrics::Sink& sink, const plugin::PluginInfo& plugin) {
  const metrics::Labels labels = {{"plugin", plugin.id}};
  const auto& counters = plugin.counters;
  sink.gauge("novacron_plugin_enabled", "1 while the plugin serves.", plugin.state == plugin::State::kEnabled ? 1 : 0,
             labels);
  sink.gauge("novacron_plugin_calls_queued", "Calls that wait for one of the plugin's workers.",
             number(counters.queued), labels);
  sink.counter("novacron_plugin_calls_refused_total", "Calls refused because too many waited.",
               number(counters.refused), labels);
  sink.counter("novacron_plugin_fast_overruns_total", "Runs of FAST methods that were not fast.",
               number(counters.fast_overruns), labels);
  sink.counter("novacron_plugin_logs_dropped_total", "Lines of the plugin's log beyond what it may write.",
               number(counters.logs_dropped), labels);
  sink.counter("novacron_plugin_abandoned_total", "Instances that did not end and stay behind.",
               number(counters.abandoned), labels);
  if (plugin.process.pid == 0) return;
  sink.gauge("novacron_plugin_memory_bytes", "Memory of a plugin's own process.", number(plugin.process.memory_bytes),
             labels);
  sink.counter("novacron_plugin_cpu_seconds_total", "CPU time of a plugin's own process.",
               number(plugin.process.cpu_ns) / 1e9, labels);
  sink.gauge("novacron_plugin_threads", "Threads of a plugin's own process.", number(plugin.process.threads), labels);
}

}  // namespace

void tell_bus(metrics::Sink& sink, const bus::Bus::Stats& stats) {
  sink.counter("novacron_bus_published_total", "Events published.", number(stats.published));
  sink.counter("novacron_bus_delivered_total", "Events handed to subscribers.", number(stats.delivered));
  sink.counter("novacron_bus_missed_total", "Events that overflowed a subscriber's queue.", number(stats.missed));
  sink.counter("novacron_bus_ended_total", "Subscriptions ended because their queue overflowed.", number(stats.ended));
  sink.gauge("novacron_bus_subscriptions", "Subscriptions there are.", number(stats.subscriptions));
  sink.gauge("novacron_bus_retained_events", "Events kept for those who resume.", number(stats.retained_events));
  sink.gauge("novacron_bus_retained_bytes", "Bytes of those.", number(stats.retained_bytes));
}

void tell_state(metrics::Sink& sink, const state::EngineStatus& status) {
  sink.gauge("novacron_state_revision", "The state's revision.", number(status.revision));
  sink.gauge("novacron_state_compacted_revision", "Where the history that is kept begins.", number(status.compacted));
  sink.gauge("novacron_state_writable", "0 when changes are refused.", status.writable ? 1 : 0);
  sink.gauge("novacron_state_keys", "Keys there are.", number(status.keys));
  sink.gauge("novacron_state_bytes", "Keys and values, with their history.", number(status.bytes));
  sink.gauge("novacron_state_watchers", "Watches of the state.", number(status.watchers));
  sink.gauge("novacron_state_leases", "Leases there are.", number(status.leases));
  sink.gauge("novacron_state_term", "The term of the last entry that was applied.", number(status.term));
  sink.gauge("novacron_state_applied_index", "The last entry of the log that was applied.", number(status.index));
  sink.gauge("novacron_state_leader", "1 while this node leads the cluster.", status.leader == status.node ? 1 : 0);
  sink.gauge("novacron_state_leader_node", "The number of the node that leads; 0: unknown.", number(status.leader));
  sink.gauge("novacron_state_members", "Nodes of the cluster.", number(status.members));
}

void tell_server(metrics::Sink& sink, const api::Server::Stats& stats) {
  sink.gauge("novacron_http_connections", "Connections there are.", number(stats.connections));
  sink.counter("novacron_http_connections_refused_total", "Connections refused because there were too many.",
               number(stats.refused_connections));
  sink.gauge("novacron_http_feeds", "Watches and event streams of clients.", number(stats.feeds));
  sink.gauge("novacron_http_requests_queued", "Requests that wait for a worker.", number(stats.queued_requests));
}

void tell_traces(metrics::Sink& sink, const trace::Exporter::Stats& stats) {
  const auto dropped = [&sink](std::string reason, uint64_t count) {
    sink.counter("novacron_traces_dropped_spans_total", "Spans that were recorded and did not arrive.", number(count),
                 {{"reason", std::move(reason)}});
  };
  sink.counter("novacron_traces_sent_spans_total", "Spans that the collector has taken.", number(stats.sent));
  dropped("queue-full", stats.dropped_full);
  dropped("unsent", stats.dropped_unsent);
  dropped("rejected", stats.dropped_rejected);
  sink.counter("novacron_traces_requests_failed_total", "Requests to the collector that failed.",
               number(stats.requests_failed));
  sink.gauge("novacron_traces_queued_spans", "Spans that wait to be sent.", number(stats.queued));
}

void tell_plugins(metrics::Sink& sink, const std::vector<plugin::PluginInfo>& plugins,
                  const std::vector<plugin::MethodUse>& uses) {
  for (const auto& plugin : plugins) tell_plugin(sink, plugin);
  for (const auto& use : uses) {
    const metrics::Labels labels = {{"plugin", use.plugin}, {"service", use.service}, {"method", use.method}};
    sink.histogram("novacron_plugin_call_duration_seconds", "Calls of a plugin's methods, from arrival to result.",
                   use.durations, labels);
    sink.counter("novacron_plugin_call_errors_total", "Of those, calls that ended with an error.", number(use.errors),
                 labels);
  }
}

}  // namespace novacron::host::daemon
