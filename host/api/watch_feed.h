// Watches of resources as feeds.
#pragma once

#include <memory>

#include "host/api/feed.h"
#include "host/resource/store.h"

namespace novacron::host::api {

inline constexpr size_t kMaxTakenChanges = 64;  ///< at once, of a watch

/// {"type":"PUT" | "DELETED" | "BOOKMARK","object":{…},"revision":1}
Result<std::unique_ptr<Feed>> watch_resources(resource::Store& store, const auth::ContextPtr& context,
                                              const resource::WatchOptions& options);

}  // namespace novacron::host::api
