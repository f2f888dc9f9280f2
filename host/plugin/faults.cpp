#include "host/plugin/faults.h"

namespace novacron::host::plugin {
namespace {

struct Words {
  std::string_view reason;
  std::string_view message;  ///< before the detail
};

/// In the order of Fault.
constexpr std::array<Words, kFaultKinds> kWords{{
    {"plugin.fast-slow", "a FAST method took longer than 50 µs: "},
    {"plugin.stale-id", "it used an id that names nothing any more: "},
    {"plugin.no-answer", "it did not finish a call by its deadline: "},
    {"plugin.queue-full", "calls were refused because it does not take those that wait: "},
    {"plugin.log-flood", "it logs more than 200 lines a second; dropped from: "},
    {"plugin.limit", "it wanted more than one plugin may have: "},
    {"plugin.bad-message", "it passed a message that was refused: "},
}};

bool is_power_of_ten(uint64_t count) {
  while (count >= 10 && count % 10 == 0) count /= 10;
  return count == 1;
}

}  // namespace

std::string_view reason_of(Fault fault) {
  return kWords[static_cast<size_t>(fault)].reason;
}

void Faults::add(Fault fault, std::string_view detail) {
  const auto kind = static_cast<size_t>(fault);
  if (!is_power_of_ten(counts_[kind].fetch_add(1, std::memory_order_relaxed) + 1)) return;
  {
    std::lock_guard lock(mutex_);
    details_[kind] = detail.substr(0, kMaxFaultDetailBytes);
  }
  if (tell_) tell_(kWords[kind].reason);
}

std::vector<PluginFault> Faults::report() const {
  std::vector<PluginFault> faults;
  std::lock_guard lock(mutex_);
  for (size_t kind = 0; kind < kFaultKinds; ++kind) {
    const uint64_t count = counts_[kind].load(std::memory_order_relaxed);
    if (count == 0) continue;
    faults.push_back({std::string(kWords[kind].reason), std::string(kWords[kind].message) + details_[kind], count});
  }
  return faults;
}

}  // namespace novacron::host::plugin
