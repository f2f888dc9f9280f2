#include "novacron/resource.h"

#include <algorithm>

namespace novacron {

std::string to_string(const ResourceKey& key) {
  return key.tenant.empty() ? key.name : key.tenant + "/" + key.name;
}

ResourceKey key_of(const core::v1::Metadata& metadata) {
  return {.tenant = metadata.tenant, .name = metadata.name};
}

void WriteLog::note(const ResourceKey& key, uint64_t revision) {
  const std::lock_guard lock(mutex_);
  if (last_.size() >= kMaxKeys && last_.count(key) == 0) {
    floor_ = std::max(floor_, revision);
    return;
  }
  uint64_t& last = last_[key];
  last = std::max(last, revision);
}

uint64_t WriteLog::last(const ResourceKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = last_.find(key);
  return found == last_.end() ? floor_ : std::max(floor_, found->second);
}

void WriteLog::forget(uint64_t seen_revision) {
  const std::lock_guard lock(mutex_);
  std::erase_if(last_, [&](const auto& entry) { return entry.second <= seen_revision; });
  if (floor_ <= seen_revision) floor_ = 0;
}

}  // namespace novacron
