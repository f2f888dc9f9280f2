#include "host/daemon/daemon.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "host/api/gateway.h"
#include "host/api/server.h"
#include "host/auth/authenticator.h"
#include "host/auth/certificates.h"
#include "host/auth/roles.h"
#include "host/auth/token.h"
#include "host/base/file.h"
#include "host/base/log.h"
#include "host/base/random.h"
#include "host/base/timer_queue.h"
#include "host/base/worker_pool.h"
#include "host/blob/store.h"
#include "host/bus/bus.h"
#include "host/daemon/change_events.h"
#include "host/daemon/contract_controller.h"
#include "host/daemon/control.h"
#include "host/daemon/host_metrics.h"
#include "host/daemon/installed_contracts.h"
#include "host/daemon/node_controller.h"
#include "host/daemon/node_object.h"
#include "host/daemon/plugin_actions.h"
#include "host/daemon/plugin_controller.h"
#include "host/daemon/traces.h"
#include "host/daemon/version.h"
#include "host/plugin/abandoned.h"
#include "host/plugin/broker.h"
#include "host/plugin/manager.h"
#include "host/resource/actions.h"
#include "host/resource/collector.h"
#include "host/resource/services/services.h"
#include "host/state/file.h"
#include "host/state/one_node.h"

namespace novacron::host::daemon {
namespace {

constexpr std::string_view kComponent = "daemon";

/// Nobody knows any more what is on the disk: the next start reads it.
void die(const Error& why) {
  log_error(kComponent, "the state cannot be written, the process ends", {{"why", why.message}});
  std::abort();
}

/// Names this run of the host.
std::string new_incarnation() {
  uint64_t random = 0;
  system_random().fill(&random, sizeof random);
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016" PRIx64, random);
  return text.data();
}

resource::Retention retention_of(const Config& config) {
  constexpr uint64_t kSecondNs = 1'000'000'000;
  return {.operations_ns = config.operations.keep_s * kSecondNs,
          .operations_count = config.operations.max_kept,
          .tasks_ns = config.operations.keep_tasks_s * kSecondNs,
          .tasks_count = config.operations.max_tasks,
          .audit_ns = config.audit.keep_s * kSecondNs,
          .audit_count = config.audit.max_records};
}

Status make_folder(const std::string& path) {
  return state::posix_files().create_folder(path);
}

plugin::Upgrades upgrades_of(const Config::Upgrade& of) {
  plugin::Upgrades upgrades;
  upgrades.settle_ms = of.settle_ms;
  upgrades.probation_ms = of.probation_ms;
  upgrades.check_ms = of.check_ms;
  upgrades.min_calls = of.min_calls;
  upgrades.more_errors_percent = static_cast<uint32_t>(of.more_errors_percent);
  upgrades.slower_percent = static_cast<uint32_t>(of.slower_percent);
  upgrades.slower_floor_us = of.slower_floor_us;
  return upgrades;
}

plugin::Sandboxes sandboxes_of(const Config::Sandbox& of) {
  plugin::Sandboxes sandboxes;
  sandboxes.program = of.program;
  sandboxes.required = of.required;
  sandboxes.user = static_cast<uint32_t>(of.user);
  sandboxes.memory_bytes = of.memory_bytes;
  sandboxes.threads = static_cast<uint32_t>(of.threads);
  sandboxes.cpu_percent = static_cast<uint32_t>(of.cpu_percent);
  sandboxes.stuck_ms = of.stuck_ms;
  sandboxes.restart_ms = of.restart_ms;
  sandboxes.restart_longest_ms = of.restart_longest_ms;
  sandboxes.max_deaths = static_cast<uint32_t>(of.max_deaths);
  sandboxes.deaths_within_ms = of.deaths_within_s * 1'000;
  return sandboxes;
}

}  // namespace

/// Members are made in the order of their declaration by create(), and end in the reverse order.
class Daemon::Parts {
 public:
  Parts(LiveConfig& live, std::vector<Inherited> sockets)
      : settings(live), inherited(std::move(sockets)), context(auth::host_context(config.node_name)) {}

  /// One that was not made whole ends here too.
  ~Parts() {
    if (operations) broker->withdraw(*operations);
    if (plugin_actions) broker->withdraw(*plugin_actions);
    for (const auto& service : services) broker->withdraw(*service);
  }

  Status open_stores();
  Status sweep_blobs(const std::unordered_set<std::string>& live);
  Status open_access();
  Status open_plugins();
  Status open_api();
  api::Server::Options server_options() const;
  std::vector<Fd> inherited_sockets();
  plugin::Manager::Options manager_options(const Config& of) const;
  Result<auth::TlsFiles> certificates(const Config& of) const;
  Status apply(const Config& next);
  void tell(metrics::Sink& sink) const;
  Status publish_nodes();
  void end_operations();
  std::vector<api::Check> checks() const;
  Status write_run_file() const;
  void close_stores();
  void say_credential(const std::string& secret) const;

  trace::Tracer* tracer() { return traces ? &traces->tracer() : nullptr; }

  LiveConfig& settings;
  const Config config = settings.current();  ///< as of the start: for what only a start changes
  std::vector<Inherited> inherited;
  const auth::ContextPtr context;
  const std::string incarnation = new_incarnation();
  std::unique_ptr<Traces> traces;  ///< null: off
  WorkerPool pool{{}};
  TimerQueue timers{system_clock()};
  bus::Bus bus{system_clock()};
  metrics::Metrics metrics;
  std::unique_ptr<state::OneNode> engine;
  std::unique_ptr<ChangeEvents> change_events;
  std::unique_ptr<blob::Store> blobs;
  std::unique_ptr<auth::RoleAuthorizer> authorizer;
  std::unique_ptr<resource::Store> store;
  std::unique_ptr<resource::Collector> collector;
  auth::TlsFiles tls;
  std::unique_ptr<auth::Tokens> tokens;
  std::unique_ptr<auth::Authenticator> authenticator;
  std::unique_ptr<plugin::Broker> broker;
  std::vector<std::unique_ptr<plugin::Service>> services;
  std::unique_ptr<InstalledContracts> contracts;
  std::unique_ptr<ContractController> contract_statuses;
  std::unique_ptr<NodeController> nodes;
  std::unique_ptr<PluginController> plugins;
  std::unique_ptr<plugin::Manager> manager;
  std::unique_ptr<resource::Actions> actions;
  std::unique_ptr<plugin::Service> operations;
  std::unique_ptr<plugin::Service> plugin_actions;
  std::unique_ptr<Control> control;
  std::unique_ptr<api::Gateway> gateway;
  std::unique_ptr<api::Server> server;
};

Status Daemon::Parts::open_stores() {
  traces = TRY(Traces::create(config, incarnation));
  TRY_STATUS(make_folder(config.data_folder));
  state::OneNode::Options state_options;
  state_options.folder = config.data_folder + "/state";
  state_options.on_fatal = die;
  engine = TRY(state::OneNode::open(state::posix_files(), system_clock(), std::move(state_options)));
  blob::Store::Options blob_options;
  blob_options.max_bytes = config.blobs.max_bytes;
  blobs = TRY(blob::Store::open(config.data_folder + "/blobs", blob_options, system_clock()));
  authorizer = std::make_unique<auth::RoleAuthorizer>([this](std::string_view kind, std::string_view verb) {
    const auto schema = store->schema();
    const contract::Kind* found = schema->find_kind(kind);
    const contract::Action* action = found == nullptr ? nullptr : found->find_action(verb);
    return action != nullptr && action->read_only;
  });
  resource::Store::Options store_options{*engine, *authorizer};
  store_options.retention = retention_of(config);
  store = std::make_unique<resource::Store>(store_options);
  change_events = std::make_unique<ChangeEvents>(*engine, bus);
  TRY_STATUS(store->bootstrap());
  resource::Collector::Options collection;
  collection.sweep_blobs = [this](const std::unordered_set<std::string>& live) { return sweep_blobs(live); };
  collector = std::make_unique<resource::Collector>(*store, *engine, std::move(collection));
  return {};
}

Status Daemon::Parts::sweep_blobs(const std::unordered_set<std::string>& live) {
  const auto swept = TRY(blobs->collect(live, config.blobs.grace_ms));
  if (swept.removed == 0 && swept.uploads_removed == 0) return {};
  log_info("blobs", "bytes that no object has were removed",
           {{"blobs", swept.removed}, {"bytes", swept.removed_bytes}, {"uploads", swept.uploads_removed}});
  return {};
}

Status Daemon::Parts::open_access() {
  tls = TRY(certificates(config));
  tokens = TRY(auth::Tokens::create({.key_file = config.data_folder + "/tls/tokens.key"}));
  auto bootstrap = TRY(auth::BootstrapCredential::open(config.data_folder + "/bootstrap-credential"));
  if (bootstrap.secret) say_credential(*bootstrap.secret);
  authenticator = std::make_unique<auth::Authenticator>(auth::Authenticator::Options{
      .tokens = *tokens, .bootstrap = std::move(bootstrap.credential), .own_uid = ::geteuid()});
  return {};
}

Result<auth::TlsFiles> Daemon::Parts::certificates(const Config& of) const {
  auth::CertificateOptions options;
  options.folder = config.data_folder + "/tls";
  options.names = of.api.names;
  return auth::ensure_certificates(options);
}

/// What may fail comes first, so that a refusal leaves everything as it was.
Status Daemon::Parts::apply(const Config& next) {
  const auth::TlsFiles files = TRY(certificates(next));
  TRY_STATUS(server->use_certificate(files));
  server->set_max_connections(next.api.max_connections);
  manager->reconfigure(manager_options(next));
  blobs->set_max_bytes(next.blobs.max_bytes);
  log_configure(next.log);
  plugins->retry_failed();
  return {};
}

/// Standard output, not the log: logs are kept and passed on.
void Daemon::Parts::say_credential(const std::string& secret) const {
  std::printf(
      "The first administrator's credential, shown this once:\n\n  %s\n\nTrade it for a token: novacron login\n",
      secret.c_str());
  std::fflush(stdout);
}

Status Daemon::Parts::open_plugins() {
  broker = std::make_unique<plugin::Broker>(plugin::Broker::Options{
      .node = config.node_name, .other_nodes = fleet_of(config), .pool = &pool, .bus = &bus, .tracer = tracer()});
  services.push_back(resource::make_resources_service(*store, pool, timers));
  services.push_back(resource::make_state_service(*engine, pool, timers));
  services.push_back(resource::make_claims_service(*engine, config.node_name, incarnation));
  services.push_back(resource::make_blobs_service(*blobs));
  for (const auto& service : services) TRY_STATUS(broker->offer(*service));
  contracts = std::make_unique<InstalledContracts>(*store, context);
  contract_statuses = std::make_unique<ContractController>(*store, context);
  auto names = fleet_of(config);
  names.push_back(config.node_name);
  nodes = std::make_unique<NodeController>(*store, context, std::set<std::string>(names.begin(), names.end()));
  plugins = std::make_unique<PluginController>(PluginController::Parts{*store, bus, pool, context});
  manager = std::make_unique<plugin::Manager>(*broker, *contracts, *plugins, manager_options(config));
  store->admit_through(*broker);
  actions = std::make_unique<resource::Actions>(*store, *broker, pool, timers, tracer());
  operations = resource::make_operations_service(*actions);
  TRY_STATUS(broker->offer(*operations));
  plugin_actions = make_plugin_actions({*store, *actions, *manager, *plugins});
  return broker->offer(*plugin_actions);
}

plugin::Manager::Options Daemon::Parts::manager_options(const Config& of) const {
  plugin::Manager::Options options;
  options.catalog.assign(of.plugins.paths.begin(), of.plugins.paths.end());
  options.allow_inline = of.plugins.allow_inline;
  options.create_timeout_ms = of.plugins.create_timeout_ms;
  options.start_timeout_ms = of.plugins.start_timeout_ms;
  options.quiesce_timeout_ms = options.drain_timeout_ms = of.plugins.stop_timeout_ms;
  options.sandboxes = sandboxes_of(of.sandbox);
  options.upgrades = upgrades_of(of.upgrade);
  return options;
}

api::Server::Options Daemon::Parts::server_options() const {
  api::Server::Options options;
  options.listen = config.api.listen;
  options.tls = tls;
  options.unix_socket = config.api.unix_socket;
  options.limits.connections = config.api.max_connections;
  return options;
}

std::vector<Fd> Daemon::Parts::inherited_sockets() {
  std::vector<Fd> sockets;
  for (Inherited& one : inherited) {
    log_info(kComponent, "socket inherited", {{"name", one.name}, {"descriptor", one.socket.get()}});
    sockets.push_back(std::move(one.socket));
  }
  return sockets;
}

Status Daemon::Parts::open_api() {
  control = std::make_unique<Control>(
      Control::Parts{settings, *store, bus, [this](const Config& next) { return apply(next); }});
  gateway = std::make_unique<api::Gateway>(api::Gateway::Parts{.authenticator = *authenticator,
                                                               .authorizer = *authorizer,
                                                               .resources = *store,
                                                               .actions = *actions,
                                                               .caller = *broker,
                                                               .blobs = *blobs,
                                                               .bus = bus,
                                                               .metrics = metrics,
                                                               .control = *control,
                                                               .pool = pool,
                                                               .checks = [this] { return checks(); },
                                                               .node = config.node_name,
                                                               .version = std::string(kVersion),
                                                               .tracer = tracer()});
  server = TRY(api::Server::create(server_options(), *gateway, pool, inherited_sockets()));
  metrics.add([this](metrics::Sink& sink) { tell(sink); });
  return {};
}

/// Asked by requests alone, which are over when the server has stopped.
void Daemon::Parts::tell(metrics::Sink& sink) const {
  sink.gauge("novacron_info", "1, with the host's version and node.", 1,
             {{"version", std::string(kVersion)}, {"node", config.node_name}});
  sink.gauge("novacron_worker_threads", "Threads of the worker pool.", static_cast<double>(pool.threads()));
  tell_server(sink, server->stats());
  tell_bus(sink, bus.stats());
  tell_state(sink, engine->status());
  tell_plugins(sink, manager->list(), manager->uses());
  if (traces) tell_traces(sink, traces->stats());
  metrics::tell_process(sink);
}

/// Ready means that the state can be read and written; plugins come and go, and those that hang only degrade the host.
std::vector<api::Check> Daemon::Parts::checks() const {
  const state::EngineStatus status = engine->status();
  const auto hanging = broker->abandoned();
  api::Check plugin_check{.name = "plugins", .ok = hanging.size() < plugin::kMaxAbandoned, .required = false};
  if (!hanging.empty()) {
    plugin_check.message = std::to_string(hanging.size()) + " of at most " + std::to_string(plugin::kMaxAbandoned) +
                           " threads hang in plugins (" + plugin::joined(hanging) + ")";
    if (!plugin_check.ok) plugin_check.message += "; no plugin is loaded until a restart";
  }
  return {{.name = "state", .ok = status.writable, .message = status.alarm}, std::move(plugin_check)};
}

/// All that writes, and all that uses what writes; the rest may still be used by threads that hang in plugins.
void Daemon::Parts::close_stores() {
  server.reset();
  gateway.reset();
  control.reset();
  plugins.reset();
  nodes.reset();
  contract_statuses.reset();
  contracts.reset();
  services.clear();
  collector.reset();
  store.reset();
  blobs.reset();
  change_events.reset();
  engine.reset();
  if (traces) traces->stop();
}

/// The calls that carry operations out are ended before what serves them waits for that.
void Daemon::Parts::end_operations() {
  broker->withdraw(*operations);
  operations.reset();
  actions->stop();
  broker->withdraw(*plugin_actions);
  plugin_actions.reset();
  actions.reset();
}

Status Daemon::Parts::publish_nodes() {
  NodeFacts facts;
  facts.incarnation = incarnation;
  if (!server->addresses().empty()) facts.address = server->addresses().front();
  facts.name = config.node_name;
  TRY_STATUS(publish_node(*store, context, facts));
  facts.is_played = true;
  for (std::string& name : fleet_of(config)) {
    facts.name = std::move(name);
    TRY_STATUS(publish_node(*store, context, facts));
  }
  return {};
}

Status Daemon::Parts::write_run_file() const {
  nlohmann::ordered_json facts;
  facts["pid"] = ::getpid();
  facts["urls"] = nlohmann::json::array();
  for (const std::string& address : server->addresses()) facts["urls"].push_back("https://" + address);
  facts["unix_socket"] = server->unix_socket();
  facts["ca"] = tls.ca;
  return write_file(config.data_folder + "/run/api.json", facts.dump(2) + "\n", 0644);
}

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<Daemon>> Daemon::create(LiveConfig& settings, std::vector<Inherited> inherited) {
  auto parts = std::make_unique<Parts>(settings, std::move(inherited));
  TRY_STATUS(parts->open_stores());
  TRY_STATUS(make_folder(parts->config.data_folder + "/run"));
  TRY_STATUS(parts->open_access());
  TRY_STATUS(parts->open_plugins());
  TRY_STATUS(parts->open_api());
  return std::unique_ptr<Daemon>(new Daemon(std::move(parts)));
}

Daemon::~Daemon() {
  stop();
}

Status Daemon::start() {
  const auto& addresses = parts_->server->addresses();
  TRY_STATUS(parts_->publish_nodes());
  parts_->nodes->start();
  parts_->contract_statuses->start();
  parts_->plugins->start(*parts_->manager);
  TRY_STATUS(parts_->actions->start());
  parts_->server->start();
  TRY_STATUS(parts_->write_run_file());
  log_info(kComponent, "ready",
           {{"node", parts_->config.node_name},
            {"address", addresses.empty() ? "" : addresses.front()},
            {"unix_socket", parts_->server->unix_socket()}});
  return {};
}

void Daemon::reload() {
  (void)parts_->control->reload(parts_->context);  // says itself what came of it
}

Daemon::Ending Daemon::stop() {
  if (parts_ == nullptr) return Ending::kWhole;
  ::unlink((parts_->config.data_folder + "/run/api.json").c_str());
  parts_->server->stop(parts_->settings.current().api.shutdown_ms);
  parts_->plugins->stop();
  parts_->contract_statuses->stop();
  parts_->nodes->stop();
  parts_->end_operations();
  parts_->manager.reset();
  for (const auto& service : parts_->services) parts_->broker->withdraw(*service);
  const auto hanging = parts_->broker->abandoned();
  if (hanging.empty()) {
    log_info(kComponent, "stopped");
    parts_.reset();
    return Ending::kWhole;
  }
  parts_->close_stores();
  log_warn(kComponent, "stopped, without the threads that hang in plugins", {{"plugins", plugin::joined(hanging)}});
  (void)parts_.release();
  return Ending::kThreadsLeft;
}

}  // namespace novacron::host::daemon
