#include "host/auth/failure_limit.h"

#include <algorithm>

namespace novacron::host::auth {

Status FailureLimit::admit(const std::string& peer) {
  std::lock_guard lock(mutex_);
  const auto found = records_.find(peer);
  if (found == records_.end() || found->second.failures < kMaxLoginFailures) return {};
  const uint64_t until_ns = found->second.since_ns + kLoginWindowNs;
  const uint64_t now_ns = clock_.monotonic_ns();
  if (now_ns >= until_ns) {
    records_.erase(found);
    return {};
  }
  Error error{Code::kResourceExhausted, "too many failed attempts: try again later", "auth.too-many-failures"};
  error.retry_after_ns = until_ns - now_ns;
  return error;
}

void FailureLimit::failed(const std::string& peer) {
  std::lock_guard lock(mutex_);
  const uint64_t now_ns = clock_.monotonic_ns();
  if (!records_.contains(peer)) make_room(now_ns);
  Record& record = records_[peer];
  if (record.failures == 0 || now_ns - record.since_ns >= kLoginWindowNs) record = {now_ns, 0};
  ++record.failures;
}

void FailureLimit::succeeded(const std::string& peer) {
  std::lock_guard lock(mutex_);
  records_.erase(peer);
}

void FailureLimit::make_room(uint64_t now_ns) {
  if (records_.size() < kMaxTrackedPeers) return;
  std::erase_if(records_, [&](const auto& entry) { return now_ns - entry.second.since_ns >= kLoginWindowNs; });
  if (records_.size() < kMaxTrackedPeers) return;
  records_.erase(std::min_element(records_.begin(), records_.end(),
                                  [](const auto& a, const auto& b) { return a.second.since_ns < b.second.since_ns; }));
}

}  // namespace novacron::host::auth
