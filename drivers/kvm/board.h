// The last known status of every guest, and who waits for a change of it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "novacron/compute/v1/compute.nc.h"

namespace novacron::kvm {

/// [any] thread. A watcher has no queue: it asks for what is newer than what it saw, so a slow one misses states in
/// between, never the last one.
class Board {
 public:
  struct Changes {
    std::vector<compute::v1::GuestStatus> guests;
    uint64_t version = 0;  ///< ask for what came after it
  };

  /// The status that was there, if this one differs. The first of a guest is no change: it may have been so for long.
  std::optional<compute::v1::GuestStatus> set(const compute::v1::GuestStatus& status);
  std::optional<compute::v1::GuestStatus> get(const std::string& uid) const;
  /// What is newer than `version` (0: everything); empty when nothing came within `timeout_ms`.
  Changes after(uint64_t version, uint64_t timeout_ms) const;
  /// True as soon as `holds` of the guest's status; false after `timeout_ms`.
  bool wait(const std::string& uid, const std::function<bool(const compute::v1::GuestStatus&)>& holds,
            uint64_t timeout_ms) const;

 private:
  struct Entry {
    compute::v1::GuestStatus status;
    uint64_t version = 0;
  };
  void forget_old_absent();

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<std::string, Entry> entries_;
  uint64_t version_ = 0;
};

}  // namespace novacron::kvm
