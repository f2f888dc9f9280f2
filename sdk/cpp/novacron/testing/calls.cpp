// Calls and contexts of the testing host.
#include <algorithm>
#include <chrono>

#include "novacron/testing/core.h"

namespace novacron::testing {
namespace {

constexpr uint64_t kDefaultDeadlineNs = 30'000'000'000;

// An in-parameter's bytes are borrowed, unless they come with a release.
std::string take_body(const nc_buf& raw) {
  std::string body(static_cast<const char*>(raw.ptr), raw.len);
  if (raw.release != nullptr) raw.release(raw.owner, raw.ptr, raw.len);
  return body;
}

}  // namespace

StoredMessage StoredMessage::of(const nc_message& raw) {
  StoredMessage out;
  out.has_body = raw.body.ptr != nullptr;
  out.body = take_body(raw.body);
  out.flags = raw.flags;
  for (uint32_t i = 0; i < raw.fds.len && i < NC_FDS_MAX; ++i) out.fds.emplace_back(raw.fds.fd[i]);
  return out;
}

nc_message StoredMessage::pass() {
  nc_message raw{};
  raw.size = sizeof(raw);
  raw.flags = flags;
  if (has_body) raw.body = {body.data(), body.size(), nullptr, nullptr};
  for (Fd& fd : fds) raw.fds.fd[raw.fds.len++] = fd.release();
  fds.clear();
  return raw;
}

nc_context Core::make_context(const Caller& caller) {
  const Lock lock(mutex_);
  const nc_context id = next_id_++;
  contexts_.emplace(id, std::make_shared<const Caller>(caller));
  return id;
}

nc_code Core::context_info(nc_context context, nc_caller* out) {
  const Lock lock(mutex_);
  const auto found = contexts_.find(context);
  if (found == contexts_.end()) return NC_UNAUTHENTICATED;
  const Caller& caller = *found->second;
  out->flags = 0;
  out->principal = str(caller.principal);
  out->tenant = str(caller.tenant);
  out->plugin = str(caller.plugin);
  out->node = str(caller.node);
  out->trace_parent = str(caller.trace_parent);
  out->lease = str(caller.lease);
  out->fence = caller.fence;
  return NC_OK;
}

nc_context Core::hold_context(nc_context context) {
  const Lock lock(mutex_);
  const auto found = contexts_.find(context);
  if (found == contexts_.end()) return 0;
  const nc_context id = next_id_++;
  contexts_.emplace(id, found->second);
  return id;
}

void Core::drop_context(nc_context context) {
  const Lock lock(mutex_);
  contexts_.erase(context);
}

void Core::provide(const nc_service* service, Invoke invoke, const std::string& plugin) {
  const Lock lock(mutex_);
  providers_.insert_or_assign(std::string(view(service->name)), Provider{service, std::move(invoke), plugin});
}

void Core::withdraw(std::string_view service) {
  const Lock lock(mutex_);
  if (const auto found = providers_.find(service); found != providers_.end()) providers_.erase(found);
}

void Core::withdraw_plugin(const std::string& plugin) {
  const Lock lock(mutex_);
  std::erase_if(providers_, [&](const auto& entry) { return entry.second.plugin == plugin; });
}

nc_route Core::connect(const nc_service* wanted, std::string_view plugin, std::string_view node) {
  const Lock lock(mutex_);
  for (const auto& [id, route] : routes_) {
    if (route.wanted == wanted && route.plugin == plugin && route.node == node) return id;
  }
  const nc_route id = next_id_++;
  routes_.emplace(id, RouteRecord{wanted, std::string(plugin), std::string(node)});
  return id;
}

CallPointer Core::find(nc_call call) {
  const auto found = calls_.find(call);
  return found == calls_.end() ? nullptr : found->second;
}

// Under the lock.
CallPointer Core::begin(Seat& seat, const nc_request& request) {
  auto call = std::make_shared<CallRecord>();
  call->client = next_id_++;
  call->server = next_id_++;
  call->caller = seat.plugin;
  call->deadline_ns = request.deadline_ns != 0 ? request.deadline_ns : now_ns_ + kDefaultDeadlineNs;
  call->context = request.context != 0 ? request.context : seat.own_context;
  call->client_is_done_writing = request.message != nullptr && (request.message->flags & NC_MESSAGE_LAST) != 0;
  calls_[call->client] = call;
  calls_[call->server] = call;
  return call;
}

// Under the lock. A refusal is the call's result; a destination counts as running, until execute() has ended.
std::optional<Core::Destination> Core::destination_of(CallRecord& call, nc_route route, uint32_t method) {
  const auto found = routes_.find(route);
  if (found == routes_.end())
    return refuse(call, NC_FAILED_PRECONDITION, "call.stale-route", "no such route"), std::nullopt;
  const nc_service& wanted = *found->second.wanted;
  if (method >= wanted.methods_len)
    return refuse(call, NC_UNIMPLEMENTED, "call.no-method", "no such method"), std::nullopt;
  const std::string_view name = view(wanted.methods[method]->name);
  call.name = std::string(view(wanted.name)) + "/" + std::string(name);
  if (contexts_.count(call.context) == 0) {
    return refuse(call, NC_UNAUTHENTICATED, "auth.stale-context", "the context is not valid any more"), std::nullopt;
  }
  const auto provider = providers_.find(view(wanted.name));
  const std::string& plugin = found->second.plugin;
  if (provider == providers_.end() ||
      (!plugin.empty() && !provider->second.plugin.empty() && provider->second.plugin != plugin)) {
    return refuse(call, NC_UNAVAILABLE, "plugin.no-provider", call.name + " has no provider now"), std::nullopt;
  }
  const nc_service& offered = *provider->second.service;
  for (uint32_t i = 0; i < offered.methods_len; ++i) {
    if (view(offered.methods[i]->name) != name) continue;
    const bool is_stream = (offered.methods[i]->flags & (NC_METHOD_CLIENT_STREAM | NC_METHOD_SERVER_STREAM)) != 0;
    call.callee = provider->second.plugin;
    ++running_[call.callee];
    return Destination{provider->second, i, is_stream, found->second.node};
  }
  return refuse(call, NC_UNIMPLEMENTED, "call.no-method", call.name + " is not offered"), std::nullopt;
}

nc_call Core::call(Seat& seat, nc_route route, const nc_request& request, void* ctx,
                   void (*done)(void*, nc_call, const nc_result*)) {
  std::shared_ptr<StoredMessage> message;
  if (request.message != nullptr) message = std::make_shared<StoredMessage>(StoredMessage::of(*request.message));
  const std::string key(view(request.idempotency_key));
  Lock lock(mutex_);
  const CallPointer call = begin(seat, request);
  if (done != nullptr) {
    const auto run = [this, call, route, method = request.method, message, key, ctx, done](nc_code) {
      run_to_end(call, route, method, message, key);
      done(ctx, call->client, &call->raw);
      drop(call->client);
    };
    enqueue(now_ns_, {.id = 0, .plugin = seat.plugin, .is_cancellable = false, .run = run});
    return call->client;
  }
  const auto destination = destination_of(*call, route, request.method);
  if (!destination) return call->client;
  if (destination->is_stream) {
    threads_.emplace_back([this, call, destination, message, key] { execute(call, *destination, message, key); });
    return call->client;
  }
  lock.unlock();
  execute(call, *destination, message, key);
  return call->client;
}

void Core::run_to_end(const CallPointer& call, nc_route route, uint32_t method,
                      const std::shared_ptr<StoredMessage>& message, const std::string& idempotency_key) {
  Lock lock(mutex_);
  const auto destination = destination_of(*call, route, method);
  lock.unlock();
  if (destination) execute(call, *destination, message, idempotency_key);
  lock.lock();
  if (!wait_until(lock, UINT64_MAX, [&] { return call->is_finished; })) {
    refuse(*call, NC_DEADLINE_EXCEEDED, "call.deadline", "the callee did not answer");
  }
}

void Core::execute(const CallPointer& call, const Destination& destination,
                   const std::shared_ptr<StoredMessage>& message, const std::string& idempotency_key) {
  nc_message raw{};
  if (message) raw = message->pass();
  nc_request request{};
  request.size = sizeof(request);
  request.method = destination.method;
  request.call = call->server;
  request.context = call->context;
  request.deadline_ns = call->deadline_ns;
  request.message = message ? &raw : nullptr;
  request.idempotency_key = str(idempotency_key);
  request.node = str(destination.node);
  const nc_code code = destination.provider.invoke(request);
  const Lock lock(mutex_);
  --running_[call->callee];
  moved();
  if (code != NC_OK) refuse(*call, code, "", "the callee refused the call");
}

void Core::refuse(CallRecord& call, nc_code code, std::string_view reason, std::string_view text) {
  nc_result result{};
  result.size = sizeof(result);
  result.code = code;
  result.reason = str(reason);
  result.text = str(text);
  complete(call, result);
}

// Under the lock. The first result counts.
void Core::complete(CallRecord& call, const nc_result& result) {
  std::optional<StoredMessage> reply;
  if (result.message != nullptr) reply = StoredMessage::of(*result.message);
  if (std::exchange(call.is_finished, true)) return;
  call.code = result.code;
  call.reason = view(result.reason);
  call.text = view(result.text);
  call.detail = take_body(result.detail);
  if (result.code == NC_OK) call.reply = std::move(reply);
  call.raw.size = sizeof(call.raw);
  call.raw.code = call.code;
  call.raw.reason = str(call.reason);
  call.raw.text = str(call.text);
  call.raw.detail = {call.detail.data(), call.detail.size(), nullptr, nullptr};
  call.raw.retry_after_ns = result.retry_after_ns;
  if (call.reply) {
    call.reply_raw = call.reply->pass();
    call.raw.message = &call.reply_raw;
  }
  calls_.erase(call.server);
  ended_calls_.push_back(call.name);
  moved();
}

template <class Condition>
bool Core::wait_until(Lock& lock, uint64_t until_ns, Condition&& condition) {
  moved_.wait_for(lock, std::chrono::milliseconds(kRealWaitMs), [&] { return condition() || now_ns_ >= until_ns; });
  return condition();
}

nc_code Core::wait(nc_call id, uint64_t until_ns, const nc_result** result) {
  Lock lock(mutex_);
  const CallPointer call = find(id);
  if (call == nullptr || id != call->client) return NC_FAILED_PRECONDITION;
  if (!wait_until(lock, until_ns, [&] { return call->is_finished; })) return NC_DEADLINE_EXCEEDED;
  *result = &call->raw;
  return NC_OK;
}

void Core::cancel(nc_call id) {
  const Lock lock(mutex_);
  const CallPointer call = find(id);
  if (call == nullptr) return;
  call->is_cancelled = true;
  refuse(*call, NC_CANCELLED, "call.cancelled", "the caller cancelled");
  moved();
}

void Core::drop(nc_call id) {
  cancel(id);
  const Lock lock(mutex_);
  const CallPointer call = find(id);
  if (call == nullptr) return;
  calls_.erase(call->client);
  calls_.erase(call->server);
}

nc_code Core::write(nc_call id, const nc_message& raw, uint64_t until_ns) {
  StoredMessage message = StoredMessage::of(raw);
  Lock lock(mutex_);
  const CallPointer call = find(id);
  if (call == nullptr) return NC_CANCELLED;
  const bool is_client = id == call->client;
  auto& queue = is_client ? call->to_server : call->to_client;
  const auto is_over = [&] { return call->is_cancelled || call->is_finished; };
  if (!wait_until(lock, until_ns, [&] { return queue.size() < kMaxUnread || is_over(); })) return NC_DEADLINE_EXCEEDED;
  if (is_over()) return NC_CANCELLED;
  if (is_client && (message.flags & NC_MESSAGE_LAST) != 0) call->client_is_done_writing = true;
  queue.push_back(std::move(message));
  moved();
  return NC_OK;
}

nc_code Core::read(nc_call id, nc_message* out, uint64_t until_ns) {
  Lock lock(mutex_);
  const CallPointer call = find(id);
  if (call == nullptr) return NC_CANCELLED;
  const bool is_client = id == call->client;
  auto& queue = is_client ? call->to_client : call->to_server;
  const auto is_ended = [&] { return is_client ? call->is_finished : call->client_is_done_writing; };
  if (!wait_until(lock, until_ns, [&] { return !queue.empty() || is_ended() || call->is_cancelled; })) {
    return NC_DEADLINE_EXCEEDED;
  }
  if (call->is_cancelled) return NC_CANCELLED;
  if (queue.empty()) return NC_OUT_OF_RANGE;
  StoredMessage& last = is_client ? call->last_read_by_client : call->last_read_by_server;
  last = std::move(queue.front());
  queue.pop_front();
  *out = last.pass();
  moved();
  return NC_OK;
}

nc_code Core::finish(nc_call id, const nc_result& result) {
  const Lock lock(mutex_);
  const CallPointer call = find(id);
  if (call != nullptr && id == call->server) return complete(*call, result), NC_OK;
  if (result.message != nullptr) StoredMessage::of(*result.message);  // consumed, whatever we return
  return NC_FAILED_PRECONDITION;
}

bool Core::is_cancelled(nc_call id) {
  const Lock lock(mutex_);
  const CallPointer call = find(id);
  return call == nullptr || call->is_cancelled || call->is_finished || now_ns_ >= call->deadline_ns;
}

bool Core::wait_quiet(const std::string& plugin) {
  Lock lock(mutex_);
  return wait_until(lock, UINT64_MAX, [&] { return running_[plugin] == 0; });
}

CallPointer Core::make_pipe(std::vector<std::string> for_plugin) {
  const Lock lock(mutex_);
  auto call = std::make_shared<CallRecord>();
  call->server = next_id_++;
  call->deadline_ns = UINT64_MAX;
  for (std::string& body : for_plugin) {
    StoredMessage message;
    message.body = std::move(body);
    call->to_server.push_back(std::move(message));
  }
  call->client_is_done_writing = true;
  calls_[call->server] = call;
  return call;
}

std::vector<std::string> Core::drain(const CallPointer& pipe) {
  const Lock lock(mutex_);
  calls_.erase(pipe->server);
  std::vector<std::string> out;
  for (StoredMessage& message : pipe->to_client) out.push_back(std::move(message.body));
  return out;
}

}  // namespace novacron::testing
