#include "sdk/validate/stage.h"

#include <chrono>
#include <filesystem>

namespace novacron::validate {
namespace {

constexpr uint64_t kControlTimeoutNs = 30'000'000'000;
constexpr std::chrono::milliseconds kPumpInterval{1};
constexpr std::chrono::seconds kEndTimeout{5};  // for calls that were cancelled to be let go
constexpr int kStreamMessages = 3;

Status status_of(nc_code code, const nc_error& error) {
  if (code == NC_OK) return {};
  return Error{.code = static_cast<Code>(code), .message = error.text};
}

size_t entries_of(const char* folder) {
  std::error_code error;
  size_t entries = 0;
  for (auto it = std::filesystem::directory_iterator(folder, error); !error && it != end(it); it.increment(error)) {
    ++entries;
  }
  return entries;
}

template <class Condition>
bool wait_for(std::chrono::milliseconds limit, Condition&& condition) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(kPumpInterval);
  }
  return true;
}

}  // namespace

std::string text_of(nc_str text) {
  return text.ptr == nullptr ? std::string() : std::string(text.ptr, text.len);
}
size_t open_descriptors() {
  return entries_of("/proc/self/fd");
}
size_t threads() {
  return entries_of("/proc/self/task");
}

struct OwnedBodies::Body {
  OwnedBodies& owner;
  std::string method;
  void* bytes = nullptr;
  std::atomic<int> releases{0};
};

OwnedBodies::OwnedBodies(Run& run) : run_(run) {}
OwnedBodies::~OwnedBodies() = default;

nc_buf OwnedBodies::give(const nc_buf& body, const std::string& method) {
  if (body.ptr == nullptr) return body;
  void* const bytes = run_.memory.lend(body.ptr, body.len, "a body that was released");
  if (bytes == nullptr) return body;
  run_.memory.seal(bytes);
  const std::lock_guard lock(mutex_);
  bodies_.push_back(std::unique_ptr<Body>(new Body{*this, method, bytes}));
  return {bytes, body.len, bodies_.back().get(), release};
}

void OwnedBodies::release(void* owner, const void*, size_t) {
  Body& body = *static_cast<Body*>(owner);
  Run& run = body.owner.run_;
  if (body.releases.fetch_add(1) == 0) return run.memory.end(body.bytes);
  run.find(Subject::kBuffers, body.method + " released the body of its request twice",
           "nc_buf: if release is set, the receiver calls it exactly once", "release a buffer where its owner ends");
}

void OwnedBodies::check() {
  const std::lock_guard lock(mutex_);
  for (const auto& body : bodies_) {
    if (body->releases != 0) continue;
    run_.find(Subject::kBuffers, body->method + " did not release the body of its request",
              "nc_buf: if release is set, the receiver calls it exactly once",
              "call body.release(body.owner, body.ptr, body.len) when you are done with it");
  }
}

Actor::Actor(Stage& stage, Run& run, const StageOptions& options)
    : stage_(stage),
      run_(run),
      plugin_(options.plugin == nullptr ? run.plugin : options.plugin),
      cancel_us_(options.cancel_us),
      random_(run.seed),
      seat_(stage.host().core(), text_of(plugin_->descriptor->id)),
      owned_(run),
      has_owned_bodies_(options.owned_bodies),
      boundary_(plugin_, &seat_.table, options_of(options)) {}

Actor::~Actor() {
  end();
}

boundary::Options Actor::options_of(const StageOptions& options) {
  boundary::Options out{.findings = &run_.findings, .transcript = options.transcript};
  if (options.guards) out.memory = &run_.memory;
  if ((plugin_->descriptor->flags & NC_PLUGIN_REENTRANT) == 0) out.slot = &slot_;
  if (options.slow_us == 0) return out;
  out.before_host_call = [this, most = options.slow_us] {
    std::this_thread::sleep_for(std::chrono::microseconds(random_below(most)));
  };
  return out;
}

uint64_t Actor::random_below(uint64_t most) {
  const std::lock_guard lock(random_mutex_);
  return random_() % most;
}

std::unique_lock<std::recursive_mutex> Actor::hold_slot() {
  if ((plugin_->descriptor->flags & NC_PLUGIN_REENTRANT) != 0) return {};
  return std::unique_lock(slot_);
}

Status Actor::create() {
  return create(run_.config);
}

Status Actor::create(const std::string& config) {
  const auto slot = hold_slot();
  nc_error error{};
  const nc_buf raw{config.data(), config.size(), nullptr, nullptr};
  return status_of(boundary_.create(&raw, &error), error);
}

Status Actor::start() {
  nc_error error{};
  {
    const auto slot = hold_slot();
    NC_TRY_STATUS(status_of(boundary_.start(stage_.now_ns() + kControlTimeoutNs, &error), error));
  }
  offer();
  return {};
}

Status Actor::configure(const std::string& config) {
  const auto slot = hold_slot();
  nc_error error{};
  const nc_buf raw{config.data(), config.size(), nullptr, nullptr};
  return status_of(boundary_.configure(&raw, &error), error);
}

Status Actor::health() {
  nc_error error{};
  return status_of(boundary_.health(&error), error);
}

void Actor::offer() {
  is_running_ = true;
  const nc_descriptor& descriptor = *plugin_->descriptor;
  for (uint32_t i = 0; i < descriptor.services_len; ++i) {
    stage_.host().core().provide(
        descriptor.services[i], [this, i](const nc_request& request) { return invoke(i, request); }, seat_.plugin);
  }
}

bool Actor::needs_slot(uint32_t service, uint32_t method) const {
  const nc_descriptor& descriptor = *plugin_->descriptor;
  return (descriptor.services[service]->methods[method]->flags & NC_METHOD_CONCURRENT) == 0;
}

namespace {

/// The caller gives a call up while it runs, unless it has ended before.
class Canceller final {
 public:
  Canceller(testing::Core& core, nc_call call, uint64_t after_us)
      : thread_([&core, call, after_us] {
          std::this_thread::sleep_for(std::chrono::microseconds(after_us));
          core.cancel(call);
        }) {}
  Canceller(const Canceller&) = delete;
  Canceller& operator=(const Canceller&) = delete;
  ~Canceller() { thread_.join(); }

 private:
  std::thread thread_;
};

}  // namespace

nc_code Actor::invoke(uint32_t service, const nc_request& request) {
  std::unique_lock<std::recursive_mutex> slot;
  std::optional<Canceller> canceller;
  if (cancel_us_ > 0) canceller.emplace(stage_.host().core(), request.call, random_below(cancel_us_));
  if (needs_slot(service, request.method)) slot = hold_slot();
  if (!has_owned_bodies_ || request.message == nullptr) return boundary_.invoke(service, &request);
  nc_message message = *request.message;
  message.body =
      owned_.give(message.body, text_of(plugin_->descriptor->services[service]->methods[request.method]->name));
  nc_request given = request;
  given.message = &message;
  return boundary_.invoke(service, &given);
}

void Actor::silence() {
  testing::Core& core = stage_.host().core();
  core.withdraw_plugin(seat_.plugin);
  core.silence(seat_);
  if (keeps_calls_) return;
  (void)core.wait_quiet(seat_.plugin);
  keeps_calls_ = !wait_for(kEndTimeout, [&] { return boundary_.open_calls() == 0; });
}

Result<std::vector<std::string>> Actor::quiesce() {
  silence();
  if (!std::exchange(is_running_, false)) return std::vector<std::string>();
  testing::Core& core = stage_.host().core();
  nc_error error{};
  const testing::CallPointer pipe = core.make_pipe({});
  const nc_code code = boundary_.quiesce(stage_.now_ns() + kControlTimeoutNs, pipe->server, &error);
  auto state = core.drain(pipe);
  silence();
  NC_TRY_STATUS(status_of(code, error));
  return state;
}

Status Actor::resume() {
  nc_error error{};
  {
    const auto slot = hold_slot();
    NC_TRY_STATUS(status_of(boundary_.resume(stage_.now_ns() + kControlTimeoutNs, &error), error));
  }
  offer();
  return {};
}

Status Actor::restore(const std::string& from_version, std::vector<std::string> state) {
  nc_error error{};
  testing::Core& core = stage_.host().core();
  const testing::CallPointer pipe = core.make_pipe(std::move(state));
  {
    const auto slot = hold_slot();
    const nc_code code = boundary_.restore({from_version.data(), from_version.size()}, pipe->server,
                                           stage_.now_ns() + kControlTimeoutNs, &error);
    (void)core.drain(pipe);
    NC_TRY_STATUS(status_of(code, error));
  }
  offer();
  return {};
}

void Actor::end() {
  if (std::exchange(is_ended_, true)) return;
  if (boundary_.has_instance()) (void)quiesce();
  silence();
  if (boundary_.open_calls() > 0) {
    stage_.abandon();  // no destroy while a call is left
  } else {
    const auto slot = hold_slot();
    boundary_.destroy();
  }
  boundary_.check_ended();
  owned_.check();
}

Stage::Stage(Run& run, StageOptions options)
    : run_(run),
      options_(options),
      plugin_(options.plugin == nullptr ? run.plugin : options.plugin),
      state_(std::make_unique<testing::State>()),
      resources_(std::make_unique<testing::Resources>()),
      host_(std::make_unique<testing::Host>()) {
  host_->provide(*state_);
  host_->provide(*resources_);
  pump_ = std::thread([this] { pump(); });
}

Stage::~Stage() {
  is_over_ = true;
  pump_.join();
  if (!is_abandoned_) return;
  // Something of the plugin may still run in there; the process ends soon.
  (void)host_.release();
  (void)state_.release();
  (void)resources_.release();
}

// The plugin's worker for what is due, and the clock, which goes as the real one does.
void Stage::pump() {
  auto last = std::chrono::steady_clock::now();
  while (!is_over_) {
    const auto now = std::chrono::steady_clock::now();
    host_->advance(static_cast<uint64_t>(std::chrono::nanoseconds(now - last).count()));
    last = now;
    host_->run_until_idle();
    std::this_thread::sleep_for(kPumpInterval);
  }
}

std::unique_ptr<Actor> Stage::actor() {
  return std::make_unique<Actor>(*this, run_, options_);
}

std::unique_ptr<Actor> Stage::running_actor() {
  auto made = actor();
  Status status = made->create();
  if (status.ok()) status = made->start();
  if (status.ok()) return made;
  run_.skipped = "it does not start here: " + status.error().message;
  return nullptr;
}

namespace {

void send_stream(ClientCall& call, const std::string& body) {
  for (int i = 0; i < kStreamMessages; ++i) {
    Outgoing message(body, {}, 0);
    if (!call.channel().write(message).ok()) return;
  }
  Outgoing end{BareEnd{}};
  (void)call.channel().write(end);
}

/// Whether the stream has ended by itself.
bool receive_stream(ClientCall& call) {
  for (int i = 0; i < kStreamMessages; ++i) {
    auto read = call.channel().read();
    if (!read.ok() || !read->has_value()) return true;
  }
  return false;
}

Outcome outcome_of(Result<std::string_view> reply) {
  if (reply.ok()) return {.reply = std::string(*reply)};
  return {.code = reply.error().code, .reason = reply.error().reason, .message = reply.error().message};
}

}  // namespace

Outcome Stage::call(uint32_t service, uint32_t method, const std::string& body, CallSettings settings) {
  const nc_service& offered = *descriptor().services[service];
  const uint32_t flags = offered.methods[method]->flags;
  const bool sends = (flags & NC_METHOD_CLIENT_STREAM) != 0;
  const bool receives = (flags & NC_METHOD_SERVER_STREAM) != 0;
  const Route route = host_->client().connect(offered, {});
  CallOptions options;
  options.timeout_ns = settings.timeout_ns;
  options.fds = std::move(settings.fds);
  Fds received;
  options.received = &received;
  ClientCall call = open_call(route, method, sends ? std::nullopt : std::optional(body), std::move(options));
  if (sends) send_stream(call, body);
  if (receives && !receive_stream(call)) return {.code = Code::kCancelled, .message = "enough was seen"};
  return outcome_of(call.wait());
}

void Stage::call_all(Random& random) {
  const nc_descriptor& about = descriptor();
  for (uint32_t s = 0; s < about.services_len; ++s) {
    for (uint32_t m = 0; m < about.services[s]->methods_len; ++m) {
      const std::string body = run_.package.random_request(text_of(about.services[s]->name),
                                                           text_of(about.services[s]->methods[m]->name), random);
      (void)call(s, m, body);
    }
  }
}

}  // namespace novacron::validate
