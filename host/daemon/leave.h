// How the process ends when it cannot end whole.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace novacron::host::daemon {

/// Ends the process now and with success, without destructors: threads that hang in plugins may still use what those
/// would take away. Logs are written line by line and acknowledged writes are on the disk, so nothing is lost.
[[noreturn]] void leave();

/// Calls leave() unless it is gone in time.
class LeaveAfter final {
 public:
  explicit LeaveAfter(uint64_t timeout_ms);
  ~LeaveAfter();
  LeaveAfter(const LeaveAfter&) = delete;
  LeaveAfter& operator=(const LeaveAfter&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable gone_;
  bool is_gone_ = false;
  std::thread watcher_;
};

}  // namespace novacron::host::daemon
