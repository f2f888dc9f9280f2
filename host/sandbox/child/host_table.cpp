#include "host/sandbox/child/host_table.h"

#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <cstring>

namespace novacron::host::sandbox {
namespace {

constexpr size_t kMaxLogText = 4'096;
constexpr size_t kMaxLogFields = 32;
constexpr size_t kMaxEarlyCancels = 256;  ///< most are of calls that are over

uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

void fill_random(void* out, size_t size) {
  auto* bytes = static_cast<char*>(out);
  while (size > 0) {
    const ssize_t got = ::getrandom(bytes, size, 0);
    if (got <= 0) continue;
    bytes += got;
    size -= static_cast<size_t>(got);
  }
}

/// The code that came; UNAVAILABLE for an answer that is none.
nc_code code_in(In& in) {
  const auto code = in.reader.number<nc_code>();
  return in.reader.sound() ? code : NC_UNAVAILABLE;
}

template <class Number>
Out out_of(AskOp op, Number number) {
  Out out = out_for(op);
  out.writer.number(number);
  return out;
}

}  // namespace

struct HostTable::Functions {
  static HostTable& of(void* self) { return *static_cast<HostTable*>(self); }
  static void add_own(nc_host& host);
  static void add_calls(nc_host& host);
  static void add_streams(nc_host& host);
  static void add_contexts(nc_host& host);
  static void add_events(nc_host& host);
};

HostTable::HostTable(Link& link) : link_(link) {
  table_.size = sizeof(table_);
  table_.abi_minor = NC_ABI_MINOR;
  table_.self = this;
  Functions::add_own(table_);
  Functions::add_calls(table_);
  Functions::add_streams(table_);
  Functions::add_contexts(table_);
  Functions::add_events(table_);
}

void HostTable::Functions::add_own(nc_host& host) {
  host.get_extension = [](void*, const char*) -> const void* { return nullptr; };
  host.log = [](void* me, int32_t level, nc_str event, const nc_field* const* fields, size_t len) {
    of(me).log(level, event, fields, len);
  };
  host.now = [](void*, int32_t clock) { return clock_ns(clock == NC_CLOCK_REAL ? CLOCK_REALTIME : CLOCK_MONOTONIC); };
  host.random = [](void*, void* out, size_t len) { fill_random(out, len); };
  host.fatal = [](void* me, nc_str why) {
    Out out = out_for(AskOp::kFatal);
    out.writer.text(view(why));
    (void)of(me).code_for(std::move(out));
  };
}

void HostTable::Functions::add_calls(nc_host& host) {
  host.connect = [](void* me, const nc_service* wanted, const nc_target* target) -> nc_route {
    Out out = out_for(AskOp::kConnect);
    put_service(out, wanted);
    const bool there = target && NC_HAS(target, node);
    out.writer.number(static_cast<uint8_t>(there));
    out.writer.number(there ? target->flags : 0u);
    out.writer.text(there ? view(target->plugin) : std::string_view());
    out.writer.text(there ? view(target->node) : std::string_view());
    return of(me).id_for(std::move(out));
  };
  host.call = [](void* me, nc_route route, const nc_request* request, void* ctx, decltype(Completion::done) done) {
    return of(me).call(route, request, ctx, done);
  };
  host.wait = [](void* me, nc_call call, uint64_t until_ns, const nc_result** result) {
    return of(me).wait(call, until_ns, result);
  };
  host.cancel = [](void* me, nc_call call) { of(me).tell(AskOp::kCancel, call); };
  host.drop = [](void* me, nc_call call) {
    of(me).tell(AskOp::kDrop, call);
    of(me).forget(call);
  };
  host.cancelled = [](void* me, nc_call call) { return of(me).is_cancelled(call); };
}

void HostTable::Functions::add_streams(nc_host& host) {
  host.write = [](void* me, nc_call call, const nc_message* message, uint64_t until_ns) {
    Out out = out_of(AskOp::kWrite, call);
    out.writer.number(until_ns);
    put_message(out, message);
    return of(me).code_for(std::move(out));
  };
  host.read = [](void* me, nc_call call, nc_message* message, uint64_t until_ns) {
    return of(me).read(call, message, until_ns);
  };
  host.finish = [](void* me, nc_call call, const nc_result* result) { return of(me).finish(call, result); };
}

void HostTable::Functions::add_contexts(nc_host& host) {
  host.context_info = [](void* me, nc_context context, nc_caller* out) { return of(me).context_info(context, out); };
  host.context_hold = [](void* me, nc_context context, uint64_t until_ns) -> nc_context {
    Out out = out_of(AskOp::kContextHold, context);
    out.writer.number(until_ns);
    return of(me).id_for(std::move(out));
  };
  host.context_drop = [](void* me, nc_context context) {
    of(me).tell(AskOp::kContextDrop, context);
    std::lock_guard lock(of(me).mutex_);
    of(me).callers_.erase(context);
  };
}

void HostTable::Functions::add_events(nc_host& host) {
  host.publish = [](void* me, nc_context context, const nc_event* event) -> nc_code {
    if (!event || !NC_HAS(event, body)) return NC_INVALID_ARGUMENT;
    Out out = out_of(AskOp::kPublish, context);
    put_event(out, *event);
    return of(me).code_for(std::move(out));
  };
  host.subscribe = [](void* me, nc_context context, const nc_interest* interest) -> nc_subscription {
    if (!interest || !NC_CAN(interest, on_end) || !interest->on_events) return 0;
    auto kept = std::make_unique<Subscription>(Subscription{interest->ctx, interest->on_events, interest->on_end});
    Out out = out_of(AskOp::kSubscribe, context);
    out.writer.number(reinterpret_cast<uint64_t>(kept.get()));
    out.writer.number(interest->overflow);
    out.writer.number(interest->max_queued);
    out.writer.number(interest->max_batch);
    out.writer.text(view(interest->pattern));
    out.writer.number(interest->after_revision);
    (void)kept.release();  // on_end, the last use of it, gives it back
    return of(me).id_for(std::move(out));
  };
  host.unsubscribe = [](void* me, nc_subscription id) { of(me).tell(AskOp::kUnsubscribe, id); };
  host.post = [](void* me, const nc_task* task) -> nc_timer {
    if (!task || !NC_CAN(task, run)) return 0;
    auto kept = std::make_unique<Task>(Task{task->ctx, task->run});
    Out out = out_of(AskOp::kPost, task->not_before_ns);
    out.writer.number(reinterpret_cast<uint64_t>(kept.get()));
    const nc_timer timer = of(me).id_for(std::move(out));
    if (timer != 0) (void)kept.release();  // its run gives it back
    return timer;
  };
  host.unpost = [](void* me, nc_timer id) { of(me).tell(AskOp::kUnpost, id); };
}

nc_code HostTable::code_for(Out out) {
  return code_in(link_.ask(std::move(out))->in);
}

uint64_t HostTable::id_for(Out out) {
  return link_.ask(std::move(out))->in.reader.number<uint64_t>();
}

void HostTable::tell(AskOp op, uint64_t id) {
  (void)link_.ask(out_of(op, id));
}

nc_call HostTable::call(nc_route route, const nc_request* request, void* ctx, decltype(Completion::done) done) {
  nc_request empty{};
  empty.size = sizeof(empty);
  const bool sound = request && NC_HAS(request, message);
  auto kept = done ? std::make_unique<Completion>(Completion{ctx, done}) : nullptr;
  Out out = out_of(AskOp::kCall,
                   sound ? route : nc_route{0});  // a request that was cut short gets a refusal by a result, too
  out.writer.number(reinterpret_cast<uint64_t>(kept.get()));
  put_request(out, sound ? *request : empty);
  const nc_call call = id_for(std::move(out));
  if (call != 0) (void)kept.release();  // its done() gives it back
  return call;
}

nc_code HostTable::wait(nc_call call, uint64_t until_ns, const nc_result** result) {
  if (!result) return NC_FAILED_PRECONDITION;
  {
    std::lock_guard lock(mutex_);
    const auto known = results_.find(call);
    if (known != results_.end()) {
      known->second->result.message.abi.fds.len = 0;  // they were handed out once already
      *result = &known->second->result.abi;
      return NC_OK;
    }
  }
  Out out = out_of(AskOp::kWait, call);
  out.writer.number(until_ns);
  auto answer = link_.ask(std::move(out));
  const nc_code code = code_in(answer->in);
  if (code != NC_OK) return code;
  auto kept = std::make_unique<Result>();
  kept->result = get_result(answer->in);
  kept->result.abi.message = kept->result.message.get();
  kept->answer = std::move(answer);
  std::lock_guard lock(mutex_);
  // Another thread may have waited for it too, and been given what must stay where it is.
  *result = &results_.try_emplace(call, std::move(kept)).first->second->result.abi;
  return NC_OK;
}

/// What can only be well is told and not asked: the plugin need not wait until the host has taken it.
nc_code HostTable::finish(nc_call call, const nc_result* result) {
  Out out = out_of(AskOp::kFinish, call);
  put_result(out, result);
  if (ended(call) && Link::may_tell()) return link_.tell(std::move(out)) ? NC_OK : NC_UNAVAILABLE;
  return code_for(std::move(out));
}

nc_code HostTable::read(nc_call call, nc_message* message, uint64_t until_ns) {
  if (!message) return NC_FAILED_PRECONDITION;
  Out out = out_of(AskOp::kRead, call);
  out.writer.number(until_ns);
  auto answer = link_.ask(std::move(out));
  const nc_code code = code_in(answer->in);
  if (code != NC_OK) return code;
  MessageIn came = get_message(answer->in);
  if (NC_HAS(message, flags)) message->flags = came.abi.flags;
  if (NC_HAS(message, body)) message->body = came.abi.body;
  if (NC_HAS(message, fds)) {
    message->fds = came.abi.fds;
  } else {
    for (uint32_t i = 0; i < came.abi.fds.len; ++i) ::close(came.abi.fds.fd[i]);
  }
  std::lock_guard lock(mutex_);
  last_reads_[call] = std::move(answer);
  return NC_OK;
}

nc_code HostTable::context_info(nc_context context, nc_caller* out) {
  if (!out) return NC_FAILED_PRECONDITION;
  const auto copy = [out](const nc_caller& caller) {
    const uint32_t size = std::min<uint32_t>(out->size, sizeof(caller));
    std::memcpy(reinterpret_cast<char*>(out) + sizeof(uint32_t),
                reinterpret_cast<const char*>(&caller) + sizeof(uint32_t),
                size > sizeof(uint32_t) ? size - sizeof(uint32_t) : 0);
    return NC_OK;
  };
  auto answer = link_.ask(out_of(AskOp::kContextInfo, context));
  const nc_code code = code_in(answer->in);
  if (code != NC_OK) return code;
  std::lock_guard lock(mutex_);
  auto& kept = callers_[context];
  if (kept) return copy(kept->caller);  // what was handed out stays where it is
  const nc_caller caller = get_caller(answer->in);
  kept = std::make_unique<Caller>(Caller{std::move(answer), caller});
  return copy(kept->caller);
}

void HostTable::log(int32_t level, nc_str event, const nc_field* const* fields, size_t len) {
  Out out;
  out.writer.number(level);
  out.writer.text(view(event).substr(0, kMaxLogText));
  const uint64_t unlogged = unlogged_.exchange(0);
  const size_t count = fields ? std::min(len, kMaxLogFields) : 0;
  out.writer.number(static_cast<uint32_t>(count + (unlogged > 0 ? 1 : 0)));
  for (size_t i = 0; i < count; ++i) {
    const bool sound = fields[i] && NC_HAS(fields[i], value);
    out.writer.text(sound ? view(fields[i]->key).substr(0, kMaxLogText) : std::string_view());
    out.writer.text(sound ? view(fields[i]->value).substr(0, kMaxLogText) : std::string_view());
  }
  if (unlogged > 0) {
    out.writer.text("lines_dropped_before");
    out.writer.text(std::to_string(unlogged));
  }
  if (!link_.log(std::move(out))) unlogged_ += unlogged + 1;
}

void HostTable::began(const nc_request& request) {
  std::lock_guard lock(mutex_);
  const auto early = std::find(early_cancels_.begin(), early_cancels_.end(), request.call);
  serving_[request.call] = {request.deadline_ns, request.context, early != early_cancels_.end()};
  if (early != early_cancels_.end()) early_cancels_.erase(early);
}

bool HostTable::ended(nc_call call) {
  std::lock_guard lock(mutex_);
  last_reads_.erase(call);
  const auto served = serving_.find(call);
  if (served == serving_.end()) return false;
  const Serving last = served->second;
  callers_.erase(last.context);
  serving_.erase(served);
  return !last.cancelled && clock_ns(CLOCK_MONOTONIC) < last.deadline_ns;
}

void HostTable::cancelled(nc_call call) {
  std::lock_guard lock(mutex_);
  const auto served = serving_.find(call);
  if (served != serving_.end()) {
    served->second.cancelled = true;
    return;
  }
  early_cancels_.push_back(call);
  if (early_cancels_.size() > kMaxEarlyCancels) early_cancels_.pop_front();
}

int32_t HostTable::is_cancelled(nc_call call) {
  {
    std::lock_guard lock(mutex_);
    const auto served = serving_.find(call);
    if (served != serving_.end()) {
      return served->second.cancelled || clock_ns(CLOCK_MONOTONIC) >= served->second.deadline_ns ? 1 : 0;
    }
  }
  auto answer = link_.ask(out_of(AskOp::kCancelled, call));
  return code_in(answer->in) != 0 ? 1 : 0;
}

void HostTable::forget(nc_call call) {
  std::lock_guard lock(mutex_);
  results_.erase(call);
  last_reads_.erase(call);
}

}  // namespace novacron::host::sandbox
