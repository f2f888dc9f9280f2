// Threads of the host that hang inside plugins and were given up on. Nothing can take such a thread back, so their
// number is bounded: beyond it no plugin is loaded any more.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace novacron::host::plugin {

constexpr size_t kMaxAbandoned = 8;  ///< a host's; then loads are refused: "host.threads-abandoned"

/// [any] thread.
class Abandoned final {
 public:
  /// A thread is inside the plugin for as long as `hangs` holds, which is asked with a lock held. The workers of one
  /// instance count as one.
  void add(std::string plugin, std::function<bool()> hangs);
  /// The plugins in which one hangs now, a name for each. What came back is forgotten.
  std::vector<std::string> plugins();

 private:
  struct Entry {
    std::string plugin;
    std::function<bool()> hangs;
  };
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

/// "a, b, b".
std::string joined(const std::vector<std::string>& names);

}  // namespace novacron::host::plugin
