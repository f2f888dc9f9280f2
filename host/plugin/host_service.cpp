#include "host/plugin/host_service.h"

#include "host/plugin/core.h"
#include "host/plugin/frame.h"
#include "host/trace/scope.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::plugin {
namespace {

/// Ends the call should its service forget to.
class HostServerCall final : public ServerCall {
 public:
  explicit HostServerCall(std::shared_ptr<Call> call) : call_(std::move(call)) {}
  ~HostServerCall() override {
    call_->finish_by_host({Code::kInternal, "the service did not answer", "host.no-result"});
  }

  const auth::ContextPtr& context() const override { return call_->context(); }
  uint64_t deadline_ns() const override { return call_->deadline_ns(); }
  const std::string& idempotency_key() const override { return call_->idempotency_key(); }
  const std::string& node() const override { return call_->node(); }
  bool cancelled() const override { return call_->cancelled(); }
  void on_cancel(std::function<void()> callback) override { call_->on_cancel(std::move(callback)); }
  Status write(Message message) override { return call_->write(End::kCallee, std::move(message), false, 0); }
  Result<Message> read() override { return call_->read(End::kCallee, call_->deadline_ns()); }
  void finish(Result<Message> result) override { call_->finish(std::move(result)); }

 private:
  const std::shared_ptr<Call> call_;
};

}  // namespace

HostEndpoint::HostEndpoint(Core& core, Service& service) : core_(core), service_(service), services_{service.spec()} {
  Crew::Options crew{service.spec().name};
  crew.max_running = kMaxServiceWorkers;
  crew.max_queued_calls = kMaxQueuedCalls;
  crew.reentrant = true;
  crew_ = std::make_shared<Crew>(*core.options.pool, core.timers, *core.options.clock, std::move(crew));
}

void HostEndpoint::deliver(const std::shared_ptr<Call>& call, uint32_t, uint32_t method) {
  if ((services_[0].methods[method].flags & NC_METHOD_FAST) && call->begin(crew_, false)) return run(call, method);
  call->queued(crew_, false);
  auto posted = crew_->post_call(Crew::Need::kNothing, [self = shared_from_this(), call, method] {
    if (call->begin(self->crew_, false)) self->run(call, method);
  });
  if (!posted.ok()) call->finish_by_host(std::move(posted).error());
}

void HostEndpoint::run(const std::shared_ptr<Call>& call, uint32_t method) {
  if (!enter()) {
    call->finish_by_host({Code::kUnavailable, services_[0].name + " is stopping", "host.stopping"});
    return;
  }
  {
    const bool fast = (services_[0].methods[method].flags & NC_METHOD_FAST) != 0;
    const Frame frame(fast ? Where::kFast : Where::kHost, call.get(), nullptr, fast ? nullptr : crew_.get());
    const trace::Scope scope(core_.options.tracer, call->trace());
    auto request = call->take_request();
    service_.invoke(std::make_shared<HostServerCall>(call), method, request ? std::move(*request) : Message{});
  }
  call->returned();
  leave();
}

bool HostEndpoint::enter() {
  std::lock_guard lock(mutex_);
  if (closed_) return false;
  ++inside_;
  return true;
}

void HostEndpoint::leave() {
  std::lock_guard lock(mutex_);
  if (--inside_ == 0) left_.notify_all();
}

void HostEndpoint::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  left_.wait(lock, [this] { return inside_ == 0; });
  crew_->close();
}

}  // namespace novacron::host::plugin
