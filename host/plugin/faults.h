// What a plugin does wrong without being stopped for it: counted by kind, and told while it grows.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/lifecycle.h"

namespace novacron::host::plugin {

enum class Fault : uint8_t {
  kSlowFast,    ///< a FAST method that was not
  kStaleId,     ///< an id that names nothing: a call finished twice, or after it was over
  kNoAnswer,    ///< a call that was not finished by its deadline
  kQueueFull,   ///< calls that it did not take in time to make room for more
  kLogFlood,    ///< lines beyond kLogLinesPerSecond
  kLimit,       ///< more timers, subscriptions, calls or contexts than one may have
  kBadMessage,  ///< malformed, or too large
};
constexpr size_t kFaultKinds = 7;
constexpr size_t kMaxFaultDetailBytes = 256;

/// "plugin.stale-id".
std::string_view reason_of(Fault fault);

/// [any] thread.
class Faults final {
 public:
  /// Without a lock, when a count gets to 1, 10, 100 …; must not block.
  using Tell = std::function<void(std::string_view reason)>;
  explicit Faults(Tell tell) : tell_(std::move(tell)) {}

  /// `detail` tells of this one: "Run of example.v1.Greeter". It is kept when the count is told.
  void add(Fault fault, std::string_view detail);
  std::vector<PluginFault> report() const;

 private:
  const Tell tell_;
  std::array<std::atomic<uint64_t>, kFaultKinds> counts_{};
  mutable std::mutex mutex_;
  std::array<std::string, kFaultKinds> details_;
};

}  // namespace novacron::host::plugin
