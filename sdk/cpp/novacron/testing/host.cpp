#include "novacron/testing/host.h"

#include <dlfcn.h>

#include "novacron/testing/core.h"

namespace novacron::testing {
namespace {

constexpr uint64_t kControlTimeoutNs = 30'000'000'000;

Status status_of(nc_code code, const nc_error& error) {
  if (code == NC_OK) return {};
  return Error{.code = static_cast<Code>(code), .message = error.text};
}

}  // namespace

LoadedPlugin::LoadedPlugin(Core& core, const nc_plugin* table, const std::string& id)
    : core_(core), table_(table), seat_(std::make_unique<Seat>(core, id)) {}

LoadedPlugin::~LoadedPlugin() {
  if (instance_ == nullptr) return;
  (void)quiesce();
  table_->destroy(instance_);
}

Status LoadedPlugin::create(std::string_view config) {
  nc_error error{};
  const nc_buf raw{config.data(), config.size(), nullptr, nullptr};
  return status_of(table_->create(&seat_->table, &raw, &instance_, &error), error);
}

void LoadedPlugin::offer() {
  is_running_ = true;
  for (uint32_t i = 0; i < table_->descriptor->services_len; ++i) {
    core_.provide(
        table_->descriptor->services[i],
        [table = table_, instance = instance_, i](const nc_request& request) {
          return table->invoke(instance, i, &request);
        },
        seat_->plugin);
  }
}

Status LoadedPlugin::start() {
  nc_error error{};
  const uint64_t deadline_ns = core_.now(NC_CLOCK_MONOTONIC) + kControlTimeoutNs;
  const nc_code code = NC_CAN(table_, start) ? table_->start(instance_, deadline_ns, &error) : NC_OK;
  if (code == NC_OK) offer();
  return status_of(code, error);
}

Status LoadedPlugin::configure(std::string_view config) {
  nc_error error{};
  const nc_buf raw{config.data(), config.size(), nullptr, nullptr};
  return status_of(table_->configure(instance_, &raw, &error), error);
}

Status LoadedPlugin::health() {
  nc_error error{};
  return status_of(NC_CAN(table_, health) ? table_->health(instance_, &error) : NC_OK, error);
}

Result<std::vector<std::string>> LoadedPlugin::quiesce() {
  core_.withdraw_plugin(seat_->plugin);
  core_.silence(*seat_);
  if (!core_.wait_quiet(seat_->plugin)) return Error{.code = Code::kDeadlineExceeded, .message = "a method still runs"};
  if (!std::exchange(is_running_, false) || !NC_CAN(table_, quiesce)) return std::vector<std::string>();
  nc_error error{};
  const CallPointer pipe = core_.make_pipe({});
  const uint64_t deadline_ns = core_.now(NC_CLOCK_MONOTONIC) + kControlTimeoutNs;
  const nc_code code = table_->quiesce(instance_, deadline_ns, pipe->server, &error);
  auto state = core_.drain(pipe);
  NC_TRY_STATUS(status_of(code, error));
  return state;
}

Status LoadedPlugin::resume() {
  nc_error error{};
  const uint64_t deadline_ns = core_.now(NC_CLOCK_MONOTONIC) + kControlTimeoutNs;
  const nc_code code = table_->resume(instance_, deadline_ns, &error);
  if (code == NC_OK) offer();
  return status_of(code, error);
}

Status LoadedPlugin::restore(std::string_view from_version, std::vector<std::string> state) {
  nc_error error{};
  const CallPointer pipe = core_.make_pipe(std::move(state));
  const uint64_t deadline_ns = core_.now(NC_CLOCK_MONOTONIC) + kControlTimeoutNs;
  const nc_code code = table_->restore(instance_, str(from_version), pipe->server, deadline_ns, &error);
  (void)core_.drain(pipe);
  if (code == NC_OK) offer();
  return status_of(code, error);
}

Host::Host() : core_(std::make_unique<Core>()) {}
Host::~Host() = default;

void Host::offer(const nc_service& descriptor, Service& service) {
  Seat* const seat = static_cast<Seat*>(client().table()->self);
  core_->provide(
      &descriptor,
      [seat, &service](const nc_request& request) {
        Call call(&seat->table, request);
        dispatch_guarded(service, request.method, call);
        return NC_OK;
      },
      "");
}

void Host::withdraw(const nc_service& service) {
  core_->withdraw(view(service.name));
}

Result<std::unique_ptr<LoadedPlugin>> Host::create_from(const nc_plugin* table, std::string_view config,
                                                        const std::string& id) {
  auto plugin = std::make_unique<LoadedPlugin>(*core_, table, id);
  NC_TRY_STATUS(plugin->create(config));
  return plugin;
}

Result<std::unique_ptr<LoadedPlugin>> Host::open(const std::string& path, std::string_view config) {
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);  // never closed, as in the real host
  if (library == nullptr) return Error{.code = Code::kFailedPrecondition, .message = dlerror()};
  using Entry = const nc_plugin* (*)(uint32_t, uint32_t);
  const auto entry = reinterpret_cast<Entry>(dlsym(library, "novacron_plugin_entry_v1"));
  if (entry == nullptr) return Error{.code = Code::kFailedPrecondition, .message = path + " has no entry"};
  const nc_plugin* table = entry(NC_ABI_MINOR, sizeof(nc_host));
  if (table == nullptr) return Error{.code = Code::kFailedPrecondition, .message = path + " refuses this host"};
  auto plugin = NC_TRY(create_from(table, config, std::string(view(table->descriptor->id))));
  NC_TRY_STATUS(plugin->start());
  return plugin;
}

novacron::Host& Host::client() {
  return core_->client();
}
nc_context Host::context(const Caller& caller) {
  return core_->make_context(caller);
}
void Host::drop_context(nc_context context) {
  core_->drop_context(context);
}
uint64_t Host::now_ns() const {
  return core_->now(NC_CLOCK_MONOTONIC);
}
void Host::advance(uint64_t ns) {
  core_->advance(ns);
}

size_t Host::run_until_idle() {
  size_t tasks = 0;
  while (core_->run_one()) ++tasks;
  return tasks;
}

bool Host::run_until(const std::function<bool()>& condition, uint64_t limit_ms) {
  return core_->run_until(condition, limit_ms);
}

std::vector<LogRecord> Host::logs() const {
  return core_->logs();
}
std::vector<PublishedEvent> Host::events() const {
  return core_->events();
}
std::vector<std::string> Host::fatals() const {
  return core_->fatals();
}
std::vector<std::string> Host::calls() const {
  return core_->calls();
}

}  // namespace novacron::testing
