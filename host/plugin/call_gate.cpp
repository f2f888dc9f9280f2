#include "host/plugin/call_gate.h"

#include <algorithm>

#include "host/plugin/core.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::plugin {
namespace {

constexpr uint32_t kStreams = NC_METHOD_CLIENT_STREAM | NC_METHOD_SERVER_STREAM;

}  // namespace

void CallGate::deliver(const std::shared_ptr<Call>& call, const ServiceSpec& service, uint32_t method,
                       const Endpoint* not_to) {
  Waiting waiting{call, service.name, service.methods[method]};
  {
    std::lock_guard lock(mutex_);
    if (!open_ && waiting_.size() < kMaxQueuedCalls) return waiting_.push_back(std::move(waiting));
    if (!open_) waiting.call = nullptr;
  }
  if (waiting.call) return send_on(waiting, not_to);
  call->finish_by_host({Code::kResourceExhausted,
                        plugin_ + " is being replaced, and " + std::to_string(kMaxQueuedCalls) + " calls wait already",
                        "plugin.queue-full"});
}

void CallGate::open() {
  if (core_.completions->post_callback([self = shared_from_this()] { self->flush(); })) return;
  flush();
}

/// It is open once nothing waits, so that nobody overtakes those who came before.
void CallGate::flush() {
  while (true) {
    std::deque<Waiting> next;
    {
      std::lock_guard lock(mutex_);
      open_ = waiting_.empty();
      if (open_) return;
      next.swap(waiting_);
    }
    for (const Waiting& waiting : next) send_on(waiting, nullptr);
  }
}

/// By names, since versions may differ in the order of what they offer.
void CallGate::send_on(const Waiting& waiting, const Endpoint* not_to) const {
  const auto provider = core_.routes.snapshot()->find(waiting.service, {plugin_, ""}, core_.nodes);
  if (!provider.ok()) {
    waiting.call->finish_by_host(provider.error());
    return;
  }
  if (provider->endpoint.get() == not_to) {
    waiting.call->finish_by_host({Code::kUnavailable, plugin_ + " takes no calls any more", "plugin.stopping"});
    return;
  }
  const auto& methods = provider->spec().methods;
  const auto found =
      std::find_if(methods.begin(), methods.end(), [&](const auto& m) { return m.name == waiting.method.name; });
  if (found == methods.end() || (found->flags & kStreams) != (waiting.method.flags & kStreams)) {
    waiting.call->finish_by_host(
        {Code::kUnimplemented,
         plugin_ + " has no " + waiting.service + '/' + waiting.method.name + " any more as it was called",
         "plugin.no-such-method"});
    return;
  }
  provider->endpoint->deliver(waiting.call, provider->service, static_cast<uint32_t>(found - methods.begin()));
}

}  // namespace novacron::host::plugin
