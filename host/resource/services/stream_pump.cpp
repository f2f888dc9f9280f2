#include "host/resource/services/stream_pump.h"

namespace novacron::host::resource {

void StreamPump::start(Source source) {
  {
    const std::lock_guard lock(mutex_);
    source_ = std::move(source);
    started_ = true;
  }
  call_->on_cancel([weak = weak_from_this()] {
    if (auto self = weak.lock()) self->wake();
  });
  wake();
}

void StreamPump::wake() {
  {
    const std::lock_guard lock(mutex_);
    again_ = true;
    if (!started_ || running_ || ended_) return;
    running_ = true;
  }
  schedule();
}

void StreamPump::schedule() {
  const Status taken = pool_.run([self = shared_from_this()] { self->run(); });
  if (taken.ok()) return;
  timers_.at(system_clock().monotonic_ns() + kPumpAgainNs, [self = shared_from_this()] { self->schedule(); });
}

void StreamPump::run() {
  while (!ended_) {
    {
      // Before anything is looked at: what wakes it from here on, be it an end or news, is seen in the next round.
      const std::lock_guard lock(mutex_);
      again_ = false;
    }
    if (call_->cancelled()) return end({Code::kCancelled, "nobody reads any more", "host.cancelled"});
    if (!send_pending()) {
      if (ended_) return;
      timers_.at(system_clock().monotonic_ns() + kPumpAgainNs, [self = shared_from_this()] { self->schedule(); });
      return;  // still running_: the timer goes on
    }
    auto next = source_();
    if (!next.ok()) return end(std::move(next).error());
    pending_ = std::move(*next);
    const std::lock_guard lock(mutex_);
    if (!pending_.empty() || again_) continue;
    running_ = false;
    return;
  }
}

bool StreamPump::send_pending() {
  while (!pending_.empty()) {
    plugin::Message message;
    message.body = pending_.front();
    const Status sent = call_->write(std::move(message));
    if (sent.code() == Code::kResourceExhausted) return false;
    if (!sent.ok()) return end(sent.error()), false;
    pending_.pop_front();
  }
  return true;
}

void StreamPump::end(Error why) {
  ended_ = true;
  source_ = nullptr;  // with the watch that it holds
  call_->finish(std::move(why));
}

}  // namespace novacron::host::resource
