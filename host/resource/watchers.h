// Which plugins watch which kinds now.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace novacron::host::resource {

/// [any] thread. Registrations keep it alive.
class Watchers : public std::enable_shared_from_this<Watchers> {
 public:
  /// Until the returned token goes.
  std::shared_ptr<const void> add(std::string kind, std::string plugin) {
    {
      const std::lock_guard lock(mutex_);
      ++counts_[{kind, plugin}];
    }
    return std::shared_ptr<const void>(this, [self = shared_from_this(), key = std::pair(kind, plugin)](const void*) {
      const std::lock_guard lock(self->mutex_);
      if (--self->counts_[key] == 0) self->counts_.erase(key);
    });
  }

  /// In the order of their names.
  std::vector<std::string> plugins_of(const std::string& kind) const {
    std::vector<std::string> plugins;
    const std::lock_guard lock(mutex_);
    for (auto at = counts_.lower_bound({kind, ""}); at != counts_.end() && at->first.first == kind; ++at)
      plugins.push_back(at->first.second);
    return plugins;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, size_t> counts_;  ///< by kind and plugin
};

}  // namespace novacron::host::resource
