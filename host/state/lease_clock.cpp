#include "host/state/lease_clock.h"

namespace novacron::host::state {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;

}  // namespace

void LeaseClock::start(Lease lease, uint64_t now_ns) {
  std::lock_guard lock(mutex_);
  timers_[lease.id] = {lease.ttl_ms, now_ns + lease.ttl_ms * kNsPerMs, false};
}

Result<Lease> LeaseClock::keep(uint64_t lease, uint64_t now_ns) {
  std::lock_guard lock(mutex_);
  const auto timer = timers_.find(lease);
  if (timer == timers_.end() || timer->second.expired || timer->second.deadline_ns <= now_ns)
    return Error{Code::kNotFound, "the lease " + std::to_string(lease) + " is not there or has ended", "state.lease"};
  timer->second.deadline_ns = now_ns + timer->second.ttl_ms * kNsPerMs;
  return Lease{lease, timer->second.ttl_ms};
}

void LeaseClock::forget(uint64_t lease) {
  std::lock_guard lock(mutex_);
  timers_.erase(lease);
}

void LeaseClock::follow(const std::map<uint64_t, uint64_t>& ttls_ms, uint64_t now_ns) {
  std::lock_guard lock(mutex_);
  std::erase_if(timers_, [&](const auto& timer) { return !ttls_ms.contains(timer.first); });
  for (const auto& [lease, ttl_ms] : ttls_ms)
    timers_.try_emplace(lease, Timer{ttl_ms, now_ns + ttl_ms * kNsPerMs, false});
}

void LeaseClock::clear() {
  std::lock_guard lock(mutex_);
  timers_.clear();
}

std::vector<uint64_t> LeaseClock::expired(uint64_t now_ns) {
  std::lock_guard lock(mutex_);
  std::vector<uint64_t> leases;
  for (auto& [lease, timer] : timers_) {
    if (timer.expired || timer.deadline_ns > now_ns) continue;
    timer.expired = true;
    leases.push_back(lease);
  }
  return leases;
}

void LeaseClock::retry(uint64_t lease) {
  std::lock_guard lock(mutex_);
  if (const auto timer = timers_.find(lease); timer != timers_.end()) timer->second.expired = false;
}

}  // namespace novacron::host::state
