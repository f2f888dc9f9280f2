#include "host/resource/runner.h"

#include <host/resource/record.pb.h>
#include <novacron/core/v1/host.pb.h>

#include <chrono>

#include "host/auth/roles.h"
#include "host/base/log.h"
#include "host/resource/actions.h"
#include "host/resource/keys.h"
#include "host/trace/scope.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::resource {

namespace {
using State = core::v1::OperationStatus;
constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr size_t kEventsAtOnce = 64;

void set_time(google::protobuf::Timestamp& time, uint64_t real_ns) {
  time.set_seconds(static_cast<int64_t>(real_ns / kSecondNs));
  time.set_nanos(static_cast<int32_t>(real_ns % kSecondNs));
}

struct MethodName {
  std::string service;
  std::string method;
};

/// "shop.v1.RobotActions/Fetch".
MethodName parse_method(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return {text, ""};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

const contract::Method* find_method(const contract::Schema& schema, const MethodName& name) {
  const auto* service = schema.find_service(name.service);
  return service ? service->find(name.method) : nullptr;
}

Error interrupted() {
  return {Code::kAborted,
          "the host ended while this ran, and nobody knows how far it came; look at the object and ask again",
          "operation.interrupted"};
}
}  // namespace

struct OperationRunner::Job {
  ObjectRef operation;
  auth::ContextPtr context;
  MethodName method;
  std::string body;
  core::v1::OperationStatus status;
};

OperationRunner::OperationRunner(Store& store, Objects& objects, const Clock& clock, plugin::Caller& caller,
                                 WorkerPool& pool)
    : store_(store),
      objects_(objects),
      clock_(clock),
      caller_(caller),
      host_(auth::host_context("")),
      watch_lane_(std::make_unique<Lane>(pool, Lane::Options{"operations.watch", 1, 2})),
      lane_(std::make_unique<Lane>(pool, Lane::Options{"operations", kMaxRunningOperations, kMaxQueuedOperations})) {}

OperationRunner::~OperationRunner() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [name, call] : calls_) call->cancel();
  }
  stop_changed_.notify_all();
  {
    const std::lock_guard lock(watch_mutex_);
    watch_.reset();  // from here on nobody posts to its lane
  }
  watch_lane_.reset();
  lane_.reset();
}

Status OperationRunner::start() {
  watch();
  for (const auto& operation : TRY(objects_.all(kind_prefix(kOperationKind)))) TRY_STATUS(resume(operation));
  return {};
}

Status OperationRunner::resume(const StoredObject& operation) {
  core::v1::OperationSpec spec;
  core::v1::OperationStatus status;
  if (!spec.ParseFromString(operation.record->spec()) || !status.ParseFromString(operation.status)) {
    return Error{Code::kDataLoss, describe(operation.ref) + " cannot be read", "resource.corrupt"};
  }
  if (status.state() != State::STATE_PENDING && status.state() != State::STATE_RUNNING) return {};
  const auto schema = store_.schema();
  const auto* method = find_method(*schema, parse_method(spec.method()));
  const bool may_repeat = status.state() == State::STATE_PENDING || (method && method->flags & NC_METHOD_IDEMPOTENT);
  const auto stored = TRY(objects_.sync().get(operation_key(operation.ref.uid)));
  StoredIdentity identity;
  if (!may_repeat || !stored || !identity.ParseFromString(stored->value) || identity.has_chain()) {
    fail(operation.ref, interrupted());
    return {};
  }
  auto context = std::make_shared<auth::Context>();
  context->identity = {identity.principal(), identity.tenant(), {identity.roles().begin(), identity.roles().end()}};
  context->request_id = operation.ref.name;
  run(operation.ref, std::move(context));
  return {};
}

void OperationRunner::run(const ObjectRef& operation, auth::ContextPtr context) {
  {
    const std::lock_guard lock(mutex_);
    cancelled_.emplace(operation.name, false);
  }
  const auto posted = lane_->post([this, operation, context = std::move(context), origin = trace::Origin::here()] {
    trace::Part part(origin, "operation");
    if (part.span()) part.span()->set("novacron.operation", operation.name);
    take_and_carry_out(operation, context);
    const std::lock_guard lock(mutex_);
    cancelled_.erase(operation.name);
  });
  if (posted.ok()) return;
  fail(operation, posted.error());
  const std::lock_guard lock(mutex_);
  cancelled_.erase(operation.name);
}

void OperationRunner::take_and_carry_out(const ObjectRef& operation, const auth::ContextPtr& context) {
  const auto object = objects_.read(operation);
  core::v1::OperationSpec spec;
  Job job{operation, context, {}, {}, {}};
  if (!object.ok() || !*object || !spec.ParseFromString((*object)->record->spec()) ||
      !job.status.ParseFromString((*object)->status)) {
    return log_error("operations", "operation cannot be read", {{"operation", operation.name}});
  }
  job.method = parse_method(spec.method());
  job.body = spec.body();
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    if (spec.cancel()) cancelled_[operation.name] = true;
  }
  carry_out(std::move(job));
}

/// What is pending was never called: the call comes only when it is stored that it runs.
void OperationRunner::carry_out(Job job) {
  job.status.set_state(State::STATE_RUNNING);
  set_time(*job.status.mutable_started_at(), clock_.real_ns());
  if (!store(job.operation, message_bytes(job.status))) return;
  const uint64_t give_up_ns = clock_.monotonic_ns() + kProviderPatienceNs;
  auto result = call(job);
  while (!result.ok() && result.error().reason == "plugin.no-provider" && clock_.monotonic_ns() < give_up_ns) {
    if (!wait_to_retry()) return;
    result = call(job);
  }
  end(job, std::move(result));
}

Result<plugin::Message> OperationRunner::call(const Job& job) {
  plugin::CallOptions options;
  options.context = job.context;
  options.idempotency_key = job.operation.name;
  {
    const std::lock_guard lock(mutex_);
    if (cancelled_[job.operation.name]) return Error{Code::kCancelled, "somebody stopped it", "operation.cancelled"};
  }
  const auto call = caller_.open(job.method.service, job.method.method, {}, {job.body, {}}, options);
  {
    const std::lock_guard lock(mutex_);
    calls_[job.operation.name] = call.get();
    if (stopping_ || cancelled_[job.operation.name]) call->cancel();
  }
  auto result = call->wait();
  const std::lock_guard lock(mutex_);
  calls_.erase(job.operation.name);
  return result;
}

void OperationRunner::end(const Job& job, Result<plugin::Message> result) {
  bool cancelled = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ && !result.ok()) return;  // the next run of the host takes it up
    cancelled = cancelled_[job.operation.name];
  }
  core::v1::OperationStatus status = job.status;
  set_time(*status.mutable_ended_at(), clock_.real_ns());
  if (result.ok()) {
    status.set_state(State::STATE_SUCCEEDED);
    status.set_percent(100);
    status.set_result(result->body);
  } else {
    status.set_state(cancelled ? State::STATE_CANCELLED : State::STATE_FAILED);
    status.set_reason(result.error().reason);
    status.set_message(result.error().message);
  }
  store(job.operation, message_bytes(status));
}

void OperationRunner::fail(const ObjectRef& operation, const Error& why) {
  core::v1::OperationStatus status;
  status.set_state(State::STATE_FAILED);
  status.set_reason(why.reason);
  status.set_message(why.message);
  set_time(*status.mutable_ended_at(), clock_.real_ns());
  store(operation, message_bytes(status));
}

bool OperationRunner::store(const ObjectRef& operation, const std::string& status) {
  const auto stored = store_.update_status(host_, operation, status);
  if (!stored.ok()) {
    log_error("operations", "status not stored", {{"operation", operation.name}, {"error", stored.error().message}});
    return false;
  }
  core::v1::OperationStatus written;
  if (!written.ParseFromString(status) || !written.has_ended_at()) return true;
  const auto removed = objects_.sync().remove(state::KeyRange::one(operation_key(operation.uid)));
  if (!removed.ok()) log_warn("operations", "identity not removed", {{"operation", operation.name}});
  return true;
}

bool OperationRunner::wait_to_retry() {
  std::unique_lock lock(mutex_);
  return !stop_changed_.wait_for(lock, std::chrono::nanoseconds(kProviderRetryNs), [this] { return stopping_; });
}

void OperationRunner::watch() {
  const std::lock_guard watch_lock(watch_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
  }
  WatchOptions options;
  options.kind = kOperationKind;
  auto watch = store_.watch(host_, options, [this] {
    const auto posted = watch_lane_->post([this] { look_for_cancellations(); });
    (void)posted;  // refused: a look is queued already, and will see this too
  });
  if (watch.ok()) {
    watch_ = std::move(*watch);
  } else {
    log_warn("operations", "requests to stop are not heard", {{"error", watch.error().message}});
  }
}

void OperationRunner::look_for_cancellations() {
  {
    const std::lock_guard watch_lock(watch_mutex_);
    if (!watch_ || take_cancellations()) return;
    watch_.reset();
  }
  watch();
}

/// False: the watch has ended.
bool OperationRunner::take_cancellations() {
  while (true) {
    const auto events = watch_->take(kEventsAtOnce);
    if (!events.ok()) return false;
    if (events->empty()) return true;
    for (const auto& event : *events) {
      core::v1::OperationSpec spec;
      if (event.type != Event::Type::kPut || !spec.ParseFromString(event.object.spec) || !spec.cancel()) continue;
      const std::lock_guard lock(mutex_);
      const auto known = cancelled_.find(event.object.ref.name);
      if (known == cancelled_.end() || known->second) continue;
      known->second = true;
      const auto call = calls_.find(event.object.ref.name);
      if (call != calls_.end()) call->second->cancel();
    }
  }
}

}  // namespace novacron::host::resource
