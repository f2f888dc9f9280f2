// Watches of resources, and events, as feeds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "host/api/event_texts.h"
#include "host/api/feed.h"
#include "host/bus/bus.h"
#include "host/resource/store.h"

namespace novacron::host::api {

inline constexpr size_t kMaxQueuedEvents = 4'096;     ///< of one client; then its feed ends with "bus.overflow"
inline constexpr size_t kMaxTakenChanges = 64;        ///< at once, of a watch
inline constexpr size_t kMaxTakenBytes = 64 * 1'024;  ///< at once, of events, unless one alone is longer

/// {"type":"PUT" | "DELETED" | "BOOKMARK","object":{…},"revision":1}
Result<std::unique_ptr<Feed>> watch_resources(resource::Store& store, const auth::ContextPtr& context,
                                              const resource::WatchOptions& options);

struct EventTimes {
  uint64_t since_ns = 0;  ///< since 1970-01-01 UTC
  uint64_t until_ns = UINT64_MAX;
};

/// See event_text(). A pattern that is none is reported as the feed's end.
std::unique_ptr<Feed> follow_events(bus::Bus& bus, std::shared_ptr<EventTexts> texts, bus::Interest interest,
                                    EventTimes times = {});

}  // namespace novacron::host::api
