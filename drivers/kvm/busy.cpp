#include "busy.h"

#include <chrono>

namespace novacron::kvm {

Busy::Turn::~Turn() {
  if (busy_ == nullptr) return;
  const std::lock_guard lock(busy_->mutex_);
  busy_->held_.erase(uid_);
  busy_->freed_.notify_all();
}

Result<Busy::Turn> Busy::enter(const std::string& uid, uint64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  if (!freed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return !held_.contains(uid); })) {
    return Error{
        .code = Code::kAborted, .message = "another call works on guest " + uid, .reason = "compute.guest-busy"};
  }
  held_.insert(uid);
  return Turn(*this, uid);
}

}  // namespace novacron::kvm
