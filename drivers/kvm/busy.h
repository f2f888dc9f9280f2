// One call a guest at a time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>

#include "novacron/result.h"

namespace novacron::kvm {

/// [any] thread.
class Busy {
 public:
  /// Holds the guest until it is destroyed.
  class Turn {
   public:
    Turn(Busy& busy, std::string uid) : busy_(&busy), uid_(std::move(uid)) {}
    Turn(Turn&& other) noexcept : busy_(std::exchange(other.busy_, nullptr)), uid_(std::move(other.uid_)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn();

   private:
    Busy* busy_;
    std::string uid_;
  };

  /// Waits for the guest's other call. ABORTED "compute.guest-busy" when that takes longer than `timeout_ms`.
  Result<Turn> enter(const std::string& uid, uint64_t timeout_ms);

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  std::set<std::string> held_;
};

}  // namespace novacron::kvm
