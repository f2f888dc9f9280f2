#include "engine.h"

#include <utility>

#include "compute_node.h"
#include "guest_state.h"
#include "novacron/core/v1/blob.nc.h"
#include "probe.h"

namespace novacron::kvm {
namespace {

constexpr const char* kDefaultUri = "qemu:///system";
constexpr const char* kDefaultFolder = "/var/lib/novacron/kvm";
constexpr const char* kDefaultEmulator = "/usr/bin/qemu-system-x86_64";
constexpr uint64_t kBlobTimeoutNs = 120'000'000'000;
constexpr uint64_t kPublishRetryNs = 2'000'000'000;

std::string or_default(const std::string& value, const char* fallback) {
  return value.empty() ? fallback : value;
}

Acceleration choose_acceleration(const v1::Config& config, const Folder& folder) {
  using Accelerator = v1::Config::Accelerator;
  if (config.accelerator == Accelerator::kKvm) return {"kvm", "the configuration says so"};
  if (config.accelerator == Accelerator::kTcg) return {"tcg", "the configuration says so"};
  return probe_acceleration(folder, or_default(config.emulator, kDefaultEmulator));
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::create(const Host& host, const v1::Config& config) {
  Folder folder = NC_TRY(Folder::open(or_default(config.data_folder, kDefaultFolder)));
  const Acceleration acceleration = choose_acceleration(config, folder);
  host.info("accelerator chosen", {{"accelerator", acceleration.name}, {"why", acceleration.why}});
  return std::unique_ptr<Engine>(new Engine(host, config, std::move(folder), acceleration.name));
}

Engine::Engine(const Host& host, const v1::Config& config, Folder folder, std::string accelerator)
    : host_(host),
      reserved_memory_bytes_(config.reserved_memory_bytes),
      accelerator_(std::move(accelerator)),
      folder_(std::move(folder)),
      connection_(or_default(config.libvirt_uri, kDefaultUri), *this),
      guests_(connection_, folder_, *this,
              {.accelerator = accelerator_, .emulator = or_default(config.emulator, kDefaultEmulator)}, *this,
              [&host] { return host.real_ns(); }) {}

Status Engine::start() {
  NC_TRY_STATUS(guests_.start_up());
  connection_.start();
  return {};
}

void Engine::stop() {
  guests_.shut_down();
  connection_.stop();
}

Result<compute::v1::DriverDescription> Engine::describe() const {
  const std::lock_guard lock(mutex_);
  if (description_) return *description_;
  return unreachable("libvirt at " + connection_.uri() + " has not been reached yet");
}

Status Engine::health() const {
  NC_TRY(connection_.get());
  return {};
}

void Engine::connected() {
  host_.info("libvirt connected", {{"uri", connection_.uri()}});
  if (const auto connection = connection_.get(); connection.ok()) {
    auto description = describe_node(connection->get(), accelerator_, reserved_memory_bytes_);
    if (description.ok()) {
      const std::lock_guard lock(mutex_);
      description_ = *std::move(description);
    }
  }
  guests_.refresh_all();
  post_publish(0);
}

void Engine::disconnected(const Error& why) {
  host_.warn("libvirt lost", {{"uri", connection_.uri()}, {"why", why.message}});
}

void Engine::tick() {
  guests_.trim_logs();
  post_publish(0);  // somebody may have deleted or changed the resource
}

void Engine::guest_changed(const GuestChange& change) {
  const std::string subject = event_of(change.before.state, change.after.state);
  if (subject.empty()) return;
  host_.info("guest changed", {{"uid", change.after.uid}, {"event", subject}, {"reason", change.after.reason}});
  const Status published = host_.publish(subject, encode(change.after), {.tenant = change.tenant});
  if (!published.ok()) host_.warn("event not published", {{"event", subject}, {"why", published.error().message}});
}

void Engine::console_input_failed(const std::string& uid, const Error& why) {
  host_.warn("console input lost", {{"uid", uid}, {"why", why.message}});
}

Result<Image> Engine::open(const std::string& digest) {
  const core::v1::BlobsClient blobs(host_);
  core::v1::BlobRequest request;
  request.digest = digest;
  Fds files;
  CallOptions options;
  options.timeout_ns = kBlobTimeoutNs;
  options.received = &files;
  const core::v1::BlobInfo info = NC_TRY(blobs.open(request, std::move(options)));
  if (files.size() != 1) return Error{.code = Code::kInternal, .message = "the host sent no file with blob " + digest};
  return Image{std::move(files[0]), info.size_bytes};
}

/// On a worker: the connection's thread does not wait for the host.
void Engine::post_publish(uint64_t delay_ns) {
  if (publish_posted_.exchange(true)) return;
  const nc_timer timer = host_.post(
      [this] {
        publish_posted_ = false;
        publish();
      },
      delay_ns);
  if (timer == 0) publish_posted_ = false;
}

void Engine::publish() {
  const auto description = describe();
  if (!description.ok() || !description->node) return;
  const auto node = node_name(host_);
  const Status published = node.ok() ? publish_node(host_, *node, *description->node) : Status(node.error());
  if (published.ok()) return;
  host_.warn("compute node not published", {{"why", published.error().message}});
  post_publish(kPublishRetryNs);
}

}  // namespace novacron::kvm
