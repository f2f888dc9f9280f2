// Slows down who guesses: after some failures from one place, further attempts are refused for a while.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "host/base/clock.h"
#include "host/base/result.h"

namespace novacron::host::auth {

inline constexpr uint32_t kMaxLoginFailures = 5;
inline constexpr uint64_t kLoginWindowNs = 60'000'000'000;
inline constexpr size_t kMaxTrackedPeers = 10'000;

/// [any] thread.
class FailureLimit {
 public:
  explicit FailureLimit(const Clock& clock = system_clock()) : clock_(clock) {}

  /// RESOURCE_EXHAUSTED "auth.too-many-failures", with the time to wait, after kMaxLoginFailures within kLoginWindowNs.
  Status admit(const std::string& peer);
  void failed(const std::string& peer);
  void succeeded(const std::string& peer);

 private:
  struct Record {
    uint64_t since_ns = 0;
    uint32_t failures = 0;
  };
  void make_room(uint64_t now_ns);

  const Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, Record> records_;
};

}  // namespace novacron::host::auth
