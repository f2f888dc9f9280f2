// Watches of resources as feeds.
#pragma once

#include <memory>

#include "host/api/feed.h"
#include "host/api/watch_channels.h"
#include "host/resource/store.h"

namespace novacron::host::api {

/// What a client watches: what others watch too comes from their channel, as far as that reaches; what it has alone
/// (selectors, a place long ago) from a watch of its own.
Result<std::unique_ptr<Feed>> watch_resources(resource::Store& store, WatchChannels& channels,
                                              const auth::ContextPtr& context, const resource::WatchOptions& options,
                                              FeedFraming framing);

}  // namespace novacron::host::api
