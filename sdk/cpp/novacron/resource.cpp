#include "novacron/resource.h"

#include <algorithm>

namespace novacron {

// The host's own default.
constexpr uint32_t kListPageSize = 500;

std::string to_string(const ResourceKey& key) {
  return key.tenant.empty() ? key.name : key.tenant + "/" + key.name;
}

ResourceKey key_of(const core::v1::Metadata& metadata) {
  return {.tenant = metadata.tenant, .name = metadata.name};
}

Result<core::v1::ListReply> list_all(const core::v1::ResourcesClient& client, core::v1::ListRequest request,
                                     uint64_t timeout_ns, nc_context context) {
  core::v1::ListReply all;
  request.page_size = kListPageSize;
  while (true) {
    auto page = client.list(request, {.timeout_ns = timeout_ns, .context = context});
    if (page.code() == Code::kResourceExhausted && request.page_size > 1) {
      request.page_size /= 2;
      continue;
    }
    if (!page.ok()) return std::move(page).error();
    std::move(page->objects.begin(), page->objects.end(), std::back_inserter(all.objects));
    if (all.revision == 0) all.revision = page->revision;
    request.page_token = page->next_page_token;
    if (request.page_token.empty()) return all;
  }
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
