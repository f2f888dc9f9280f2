// Events as a client follows them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "host/api/event_texts.h"
#include "host/api/feed.h"
#include "host/bus/bus.h"

namespace novacron::host::api {

inline constexpr std::string_view kEventsEndedType = "novacron.events.ended";  ///< its data says why, as a problem
inline constexpr size_t kMaxQueuedEvents = 4'096;     ///< of one client; then its feed ends with "bus.overflow"
inline constexpr size_t kMaxTakenBytes = 64 * 1'024;  ///< at once, unless one alone is longer

/// Whose events are wanted: those whose body says that they are about it.
struct EventObject {
  std::string kind;  ///< "novacron.core/Node"
  std::string name;
};

struct EventTimes {
  uint64_t since_ns = 0;  ///< since 1970-01-01 UTC
  uint64_t until_ns = UINT64_MAX;
};

struct EventWish {
  bus::Interest interest;
  std::optional<EventObject> object;
  EventTimes times;
};

/// Of what the wish says beyond its interest.
bool is_wished(const bus::Event& event, const EventWish& wish);

/// A pattern that is none is reported as the feed's end.
std::unique_ptr<Feed> follow_events(bus::Bus& bus, std::shared_ptr<EventTexts> texts, EventWish wish);

}  // namespace novacron::host::api
