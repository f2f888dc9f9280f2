#include "host/daemon/leave.h"

#include <unistd.h>

#include <chrono>

#include "host/base/log.h"

namespace novacron::host::daemon {

void leave() {
  ::_exit(0);
}

LeaveAfter::LeaveAfter(uint64_t timeout_ms)
    : watcher_([this, timeout_ms] {
        std::unique_lock lock(mutex_);
        if (gone_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] { return is_gone_; })) return;
        log_error("daemon", "not stopped in time, the process leaves as it is", {{"timeout_ms", timeout_ms}});
        leave();
      }) {}

LeaveAfter::~LeaveAfter() {
  {
    std::lock_guard lock(mutex_);
    is_gone_ = true;
  }
  gone_.notify_all();
  watcher_.join();
}

}  // namespace novacron::host::daemon
