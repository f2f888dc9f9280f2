// The broker as the host's own code calls through it.
#include <algorithm>
#include <cassert>

#include "host/plugin/breaker.h"
#include "host/plugin/broker.h"
#include "host/plugin/call_trace.h"
#include "host/plugin/contexts.h"
#include "host/plugin/core.h"
#include "host/plugin/frame.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::plugin {
namespace {

class HostClientCall final : public ClientCall {
 public:
  explicit HostClientCall(std::shared_ptr<Call> call) : call_(std::move(call)) {}
  ~HostClientCall() override { call_->abandon(); }

  Result<Message> read() override {
    TRY_STATUS(may_wait());
    return call_->read(End::kCaller, UINT64_MAX);
  }
  Status write(Message message) override {
    TRY_STATUS(may_wait());
    return call_->write(End::kCaller, std::move(message), false, UINT64_MAX);
  }
  void finish_writing() override { (void)call_->write(End::kCaller, std::nullopt, true, 0); }
  void cancel() override { call_->cancel(); }
  Result<Message> wait() override {
    TRY_STATUS(may_wait());
    TRY_STATUS(call_->await_result(UINT64_MAX));  // the deadline ends the call, and so the wait
    return call_->take_result();
  }

 private:
  static Status may_wait() {
    if (Frame::may_wait()) return {};
    return Error{Code::kFailedPrecondition, "this thread must not wait", "host.must-not-wait"};
  }

  const std::shared_ptr<Call> call_;
};

struct Opening {
  Provider provider;
  uint32_t method = 0;
  Call::Options options;
};

Status find_callee(const Core& core, std::string_view service, std::string_view method, const Target& target,
                   const CallOptions& options, Opening& out) {
  out.options.context = options.context;
  if (core.options.tracer) begin_trace(*core.options.tracer, out.options, service, method, "");
  TRY_STATUS(may_call(*options.context, service));
  out.provider = TRY(core.routes.snapshot()->find(service, target, core.nodes));
  const auto& methods = out.provider.spec().methods;
  const auto found = std::find_if(methods.begin(), methods.end(), [&](const auto& m) { return m.name == method; });
  if (found == methods.end()) {
    return Error{Code::kUnimplemented, std::string(service) + " has no method " + std::string(method),
                 "plugin.no-such-method"};
  }
  out.method = static_cast<uint32_t>(found - methods.begin());
  const uint64_t now_ns = core.now_ns();
  const uint64_t deadline_ns = options.timeout_ns == 0 ? 0 : now_ns + std::min(options.timeout_ns, kMaxTimeoutNs);
  out.options.flags = found->flags;
  out.options.deadline_ns = effective_deadline_ns(now_ns, deadline_ns, found->default_timeout_ns);
  note_callee(out.options, out.provider.endpoint->plugin());
  out.options.idempotency_key = options.idempotency_key;
  out.options.node = target.node;
  out.options.request_last = (found->flags & NC_METHOD_CLIENT_STREAM) == 0;
  out.options.begun_ns = now_ns;
  out.options.breaker = out.provider.endpoint->breaker(out.provider.service);
  return out.options.breaker ? out.options.breaker->admit(out.options.probe) : Status();
}

/// A refusal is the call's result too. `completion` may be empty.
std::shared_ptr<Call> begin(Core& core, std::string_view service, std::string_view method, const Target& target,
                            Message request, const CallOptions& options,
                            std::function<void(const std::shared_ptr<Call>&)> completion) {
  assert(options.context);
  Opening opening;
  auto found = find_callee(core, service, method, target, options, opening);
  if (found.ok()) found = check_message(request);
  if (opening.options.request_last || !request.body.empty() || !request.fds.empty()) {
    opening.options.request = std::move(request);
  }
  auto call = std::make_shared<Call>(core, std::move(opening.options));
  if (completion) {
    // The call is kept until its result is handed over; the function goes when it is, so this is no circle for ever.
    call->on_result([call, completion = std::move(completion)] { completion(call); });
  }
  if (!found.ok()) {
    call->finish_by_host(std::move(found).error());
    return call;
  }
  opening.provider.endpoint->deliver(call, opening.provider.service, opening.method);
  call->pending(Frame::top() ? Frame::top()->cause() : nullptr);
  return call;
}

}  // namespace

std::unique_ptr<ClientCall> Broker::open(std::string_view service, std::string_view method, const Target& target,
                                         Message request, const CallOptions& options) {
  return std::make_unique<HostClientCall>(begin(*core_, service, method, target, std::move(request), options, nullptr));
}

Result<Message> Broker::call(std::string_view service, std::string_view method, const Target& target, Message request,
                             const CallOptions& options) {
  return open(service, method, target, std::move(request), options)->wait();
}

void Broker::call_async(std::string_view service, std::string_view method, const Target& target, Message request,
                        const CallOptions& options, std::function<void(Result<Message>)> done) {
  begin(*core_, service, method, target, std::move(request), options,
        [core = core_.get(), done = std::move(done)](const std::shared_ptr<Call>& call) {
          core->completions->post_callback([call, done] { done(call->take_result()); });
        });
}

}  // namespace novacron::host::plugin
