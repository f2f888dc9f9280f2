#include "host/resource/runner.h"

#include <host/resource/record.pb.h>
#include <novacron/core/v1/host.pb.h>

#include <algorithm>
#include <chrono>

#include "host/auth/roles.h"
#include "host/base/log.h"
#include "host/contract/json.h"
#include "host/resource/actions.h"
#include "host/resource/identity.h"
#include "host/resource/keys.h"
#include "host/trace/scope.h"
#include "host/trace/trace_parent.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::resource {

namespace {
using State = core::v1::OperationStatus;
constexpr uint64_t kSecondNs = 1'000'000'000;

void set_time(google::protobuf::Timestamp& time, uint64_t real_ns) {
  time.set_seconds(static_cast<int64_t>(real_ns / kSecondNs));
  time.set_nanos(static_cast<int32_t>(real_ns % kSecondNs));
}

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

constexpr std::string_view kCancelledReason = "operation.cancelled";
/// Of a status with its reply: what a resource may have, less its spec and metadata.
constexpr size_t kMaxKeptReplyBytes = kMaxResourceBytes / 2;

Error cancelled_error() {
  return {Code::kCancelled, "somebody stopped it", std::string(kCancelledReason)};
}

/// "null" for a method that is not known any more.
std::string reply_json(const contract::Schema& schema, const MethodName& name, const std::string& body) {
  const auto* method = find_method(schema, name);
  if (method == nullptr) return "null";
  auto json = contract::message_to_json(*method->reply, body);
  return json.ok() ? *std::move(json) : "null";
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
                                 WorkerPool& pool, TimerQueue& timers, trace::Tracer* tracer)
    : store_(store),
      objects_(objects),
      clock_(clock),
      caller_(caller),
      tracer_(tracer),
      host_(auth::host_context("")),
      progress_(store, clock, pool, timers),
      watch_lane_(std::make_unique<Lane>(pool, Lane::Options{"operations.watch", 1, 2})) {
  for (uint32_t depth = 0; depth < kMaxOperationDepth; ++depth) {
    const size_t running = depth == 0 ? kMaxRunningOperations : kMaxRunningChildren;
    lanes_.push_back(std::make_unique<Lane>(pool, Lane::Options{"operations", running, kMaxQueuedOperations}));
  }
}

OperationRunner::~OperationRunner() {
  stop();
}

void OperationRunner::stop() {
  Waiters waiters;  // they end calls when they go, which must not happen under the lock
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [name, running] : running_) {
      if (running.call != nullptr) running.call->cancel();
    }
    waiters.swap(waiters_);
  }
  waiters.clear();
  stop_changed_.notify_all();
  {
    const std::lock_guard lock(watch_mutex_);
    watch_.reset();  // from here on nobody posts to its lane
  }
  watch_lane_.reset();
  lanes_.clear();
}

Status OperationRunner::start() {
  watch();
  const auto operations = TRY(objects_.all(kind_prefix(kOperationKind)));
  for (const auto& operation : operations) expect(operation);
  for (const auto& operation : operations) count_ended(operation);
  for (const auto& operation : operations) TRY_STATUS(resume(operation));
  return {};
}

/// A parent that is taken up first finds its children among those that run, and waits for them.
void OperationRunner::expect(const StoredObject& operation) {
  core::v1::OperationSpec spec;
  core::v1::OperationStatus status;
  const bool readable = spec.ParseFromString(operation.record->spec()) && status.ParseFromString(operation.status);
  if (!readable || (status.state() != State::STATE_PENDING && status.state() != State::STATE_RUNNING)) return;
  const std::lock_guard lock(mutex_);
  running_[operation.ref.name].parent = spec.parent().name();
  if (spec.parent().name().empty()) return;
  children_[spec.parent().name()].emplace(operation.ref.name, operation.ref);
  progress_.add_child(spec.parent().name(), operation.ref.name);
}

void OperationRunner::count_ended(const StoredObject& operation) {
  core::v1::OperationSpec spec;
  if (!spec.ParseFromString(operation.record->spec()) || spec.parent().name().empty()) return;
  {
    const std::lock_guard lock(mutex_);
    if (running_.contains(operation.ref.name) || !running_.contains(spec.parent().name())) return;
  }
  progress_.add_child(spec.parent().name(), operation.ref.name);
  progress_.end_child(spec.parent().name(), operation.ref.name);
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
  if (!may_repeat || !stored || !identity.ParseFromString(stored->value)) {
    fail(operation.ref, interrupted());
    forget(operation.ref);
    return {};
  }
  auto context = std::make_shared<auth::Context>(context_of(identity));
  context->request_id = spec.request_id();
  const auto begun_in = trace::parse_trace_parent(context->trace_parent).value_or(trace::SpanContext());
  const trace::Scope scope(tracer_, begun_in);
  run(operation.ref, std::move(context), identity.depth(), spec.parent().name());
  return {};
}

void OperationRunner::run(const ObjectRef& operation, auth::ContextPtr context, uint32_t depth,
                          const std::string& parent) {
  auto scoped = std::make_shared<auth::Context>(*context);
  scoped->operation = std::make_shared<const auth::OperationScope>(
      auth::OperationScope{operation.tenant, operation.name, depth, context->chain.size()});
  {
    const std::lock_guard lock(mutex_);
    running_[operation.name].parent = parent;
  }
  const auto posted = lane(depth).post(
      [this, operation, context = auth::ContextPtr(std::move(scoped)), origin = trace::Origin::here()] {
        trace::Part part(origin, "operation");
        if (part.span()) part.span()->set("novacron.operation", operation.name);
        take_and_carry_out(operation, context);
        forget(operation);
      });
  if (posted.ok()) return;
  fail(operation, posted.error());
  forget(operation);
}

/// It has ended, or the host stops.
void OperationRunner::forget(const ObjectRef& operation) {
  std::map<uint64_t, std::function<void()>> waiters;
  {
    const std::lock_guard lock(mutex_);
    const auto running = running_.find(operation.name);
    if (running != running_.end()) {
      progress_.end_child(running->second.parent, operation.name);
      progress_.forget_children(operation.name);
      const auto siblings = children_.find(running->second.parent);
      if (siblings != children_.end() && siblings->second.erase(operation.name) != 0 && siblings->second.empty())
        children_.erase(siblings);
      running_.erase(running);
    }
    if (stopping_) return;
    const auto waiting = waiters_.find(operation.name);
    if (waiting == waiters_.end()) return;
    waiters.swap(waiting->second);
    waiters_.erase(waiting);
  }
  for (auto& [id, ended] : waiters) ended();
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
  bool cancelled = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    auto& running = running_[operation.name];
    running.cancelled |= spec.cancel();
    cancelled = running.cancelled;
  }
  if (cancelled && job.status.state() == State::STATE_PENDING) return end_unstarted(job);
  carry_out(std::move(job));
}

/// What is pending was never called: the call comes only when it is stored that it runs.
void OperationRunner::carry_out(Job job) {
  job.status.set_state(State::STATE_RUNNING);
  job.status.set_attempts(job.status.attempts() + 1);
  if (!job.status.has_started_at()) set_time(*job.status.mutable_started_at(), clock_.real_ns());
  const auto begun = store(job.operation, job.status);
  if (!begun) return;
  progress_.begin(job.operation, job.status, begun->status_revision);
  Patience patience{.until_ns = clock_.monotonic_ns() + kProviderPatienceNs};
  auto result = call(job);
  while (!result.ok() && may_repeat(job, result.error(), patience)) {
    if (!wait_to_retry(patience)) break;
    result = call(job);
  }
  end(job, std::move(result));
}

bool OperationRunner::is_idempotent(const MethodName& name) const {
  const auto schema = store_.schema();
  const auto* method = find_method(*schema, name);
  return method != nullptr && (method->flags & NC_METHOD_IDEMPOTENT) != 0;
}

/// A call that reached nobody may always be made again; one that was cut off by the end of its plugin's process, as by
/// the end of the host, only where the method is idempotent.
bool OperationRunner::may_repeat(const Job& job, const Error& why, Patience& patience) {
  const bool in_time = clock_.monotonic_ns() < patience.until_ns;
  if (why.reason == "plugin.no-provider") return in_time;
  if (why.reason != "plugin.died" && why.reason != "plugin.stopping") return false;
  if (!is_idempotent(job.method)) return false;
  if (why.reason == "plugin.stopping") return in_time;
  std::string checkpoint = progress_.begin_again(job.operation.name);
  patience.deaths = checkpoint == patience.checkpoint ? patience.deaths + 1 : 1;
  if (patience.deaths > kMaxDeathsOfOperation) return false;
  patience.checkpoint = std::move(checkpoint);
  patience.until_ns = clock_.monotonic_ns() + kProviderPatienceNs;
  patience.wait_ns = kFirstRetryNs;
  return true;
}

Result<plugin::Message> OperationRunner::call(const Job& job) {
  plugin::CallOptions options;
  options.context = job.context;
  options.idempotency_key = job.operation.name;
  {
    const std::lock_guard lock(mutex_);
    if (running_[job.operation.name].cancelled) return cancelled_error();
  }
  const auto call = caller_.open(job.method.service, job.method.method, {}, {job.body, {}}, options);
  {
    const std::lock_guard lock(mutex_);
    auto& running = running_[job.operation.name];
    running.call = call.get();
    if (stopping_ || running.cancelled) call->cancel();
  }
  auto result = call->wait();
  const std::lock_guard lock(mutex_);
  running_[job.operation.name].call = nullptr;
  return result;
}

void OperationRunner::end(const Job& job, Result<plugin::Message> result) {
  core::v1::OperationStatus status = progress_.end(job.operation.name);
  bool cancelled = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ && !result.ok()) return;  // the next run of the host takes it up
    cancelled = running_[job.operation.name].cancelled;
  }
  if (result.ok()) {
    status.set_state(State::STATE_SUCCEEDED);
    status.set_percent(100);
    status.set_reply(reply_json(*store_.schema(), job.method, result->body));
    if (status.ByteSizeLong() > kMaxKeptReplyBytes) {
      status.set_reply("null");
      status.set_message("its reply is too large to be kept");
    }
  } else {
    status.set_state(cancelled ? State::STATE_CANCELLED : State::STATE_FAILED);
    status.set_reason(cancelled ? std::string(kCancelledReason) : result.error().reason);
    status.set_message(result.error().message);
  }
  store_end(job.operation, std::move(status));
  if (cancelled) cancel_children(job.operation.name);
}

void OperationRunner::end_unstarted(const Job& job) {
  fail_as(job.operation, job.status, State::STATE_CANCELLED, cancelled_error());
}

void OperationRunner::fail(const ObjectRef& operation, const Error& why) {
  core::v1::OperationStatus status;
  const auto object = objects_.read(operation);
  if (object.ok() && *object) (void)status.ParseFromString((*object)->status);
  fail_as(operation, std::move(status), State::STATE_FAILED, why);
}

void OperationRunner::fail_as(const ObjectRef& operation, core::v1::OperationStatus status, int state,
                              const Error& why) {
  status.set_state(static_cast<State::State>(state));
  status.set_reason(why.reason);
  status.set_message(why.message);
  store_end(operation, std::move(status));
}

std::optional<ObjectView> OperationRunner::store(const ObjectRef& operation, const core::v1::OperationStatus& status,
                                                 std::vector<state::Put> together) {
  auto stored = store_.impl_->update_status(host_, operation, message_bytes(status), std::move(together));
  if (stored.ok()) return std::move(stored->object);
  log_error("operations", "status not stored", {{"operation", operation.name}, {"error", stored.error().message}});
  return std::nullopt;
}

std::vector<state::Put> OperationRunner::ending(const core::v1::OperationSpec& spec, const ObjectRef& operation,
                                                const core::v1::OperationStatus& status) {
  const ObjectRef target{spec.target().kind(), spec.target().tenant(), spec.target().name(), spec.target().uid()};
  auto task = task_of(auth::Context{}, spec.verb(), target, clock_.real_ns());
  task.set_principal(spec.principal());
  task.set_request_id(spec.request_id());
  task.set_operation(operation.name);
  task.set_outcome(core::v1::OperationStatus::State_Name(status.state()).substr(sizeof "STATE_" - 1));
  task.set_reason(status.reason().substr(0, kMaxTaskTextBytes));
  task.set_message(status.message().substr(0, kMaxTaskTextBytes));
  task.set_command(spec.command());
  return {task_entry(task, store_.impl_->writer.next_number(), store_.impl_->writer.uuid())};
}

void OperationRunner::store_end(const ObjectRef& operation, core::v1::OperationStatus status) {
  core::v1::OperationSpec spec;
  const auto object = objects_.read(operation);
  if (object.ok() && *object) (void)spec.ParseFromString((*object)->record->spec());
  set_time(*status.mutable_ended_at(), clock_.real_ns());
  status.clear_checkpoint();
  const auto target =
      objects_.read({spec.target().kind(), spec.target().tenant(), spec.target().name(), spec.target().uid()});
  if (target.ok() && *target) status.set_target_generation((*target)->metadata().generation());
  const auto stored = store(operation, status, ending(spec, operation, status));
  if (!stored) return;
  const auto removed = objects_.sync().remove(state::KeyRange::one(operation_key(stored->ref.uid)));
  if (!removed.ok()) log_warn("operations", "identity not removed", {{"operation", operation.name}});
}

bool OperationRunner::wait_to_retry(Patience& patience) {
  const std::chrono::nanoseconds wait(patience.wait_ns);
  patience.wait_ns = std::min(2 * patience.wait_ns, kProviderRetryNs);
  std::unique_lock lock(mutex_);
  return !stop_changed_.wait_for(lock, wait, [this] { return stopping_; });
}

bool OperationRunner::is_cancelled(const std::string& operation) const {
  const std::lock_guard lock(mutex_);
  const auto running = running_.find(operation);
  return running != running_.end() && running->second.cancelled;
}

Status OperationRunner::adopt(const std::string& parent, const ObjectRef& child) {
  const std::lock_guard lock(mutex_);
  const auto running = running_.find(parent);
  if (running == running_.end() || stopping_) {
    return Error{Code::kFailedPrecondition, "the operation " + parent + " does not run any more",
                 "operation.not-running"};
  }
  if (running->second.cancelled) return cancelled_error();
  auto& children = children_[parent];
  if (children.size() >= kMaxChildren && !children.contains(child.name)) {
    return Error{Code::kResourceExhausted, "an operation has at most 256 children at a time", "operation.children"};
  }
  if (children.emplace(child.name, child).second) progress_.add_child(parent, child.name);
  return {};
}

void OperationRunner::disown(const std::string& parent, const ObjectRef& child) {
  const std::lock_guard lock(mutex_);
  const auto siblings = children_.find(parent);
  if (siblings == children_.end() || running_.contains(child.name)) return;
  siblings->second.erase(child.name);
  progress_.remove_child(parent, child.name);
  if (siblings->second.empty()) children_.erase(siblings);
}

void OperationRunner::stop_with_parent(const std::string& parent, const ObjectRef& child) {
  if (!is_cancelled(parent)) return;
  ask_to_stop(child);
}

void OperationRunner::when_ended(const ObjectRef& operation, uint64_t waiter, std::function<void()> ended) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    if (running_.contains(operation.name)) {
      waiters_[operation.name].emplace(waiter, std::move(ended));
      return;
    }
  }
  ended();
}

void OperationRunner::forget_waiter(const ObjectRef& operation, uint64_t waiter) {
  std::function<void()> forgotten;  // goes after the lock
  const std::lock_guard lock(mutex_);
  const auto waiting = waiters_.find(operation.name);
  if (waiting == waiters_.end()) return;
  const auto found = waiting->second.find(waiter);
  if (found == waiting->second.end()) return;
  forgotten = std::move(found->second);
  waiting->second.erase(found);
  if (waiting->second.empty()) waiters_.erase(waiting);
}

}  // namespace novacron::host::resource
