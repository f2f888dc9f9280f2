// Events as a client follows them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "host/api/event_channels.h"
#include "host/api/event_texts.h"
#include "host/api/feed.h"
#include "host/bus/bus.h"

namespace novacron::host::api {

inline constexpr std::string_view kEventsEndedType = "novacron.events.ended";  ///< its data says why, as a problem
inline constexpr size_t kMaxTakenBytes = 64 * 1'024;                           ///< at once, unless one alone is longer

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

/// What feeds of events share; it goes with the last of them.
struct EventSources {
  EventSources(bus::Bus& of, const std::string& source) : bus(of), texts(source), channels(of, source) {}

  bus::Bus& bus;
  EventTexts texts;
  EventChannels channels;
};

/// A pattern that is none is reported as the feed's end. What is from now on, or from where its channel still reaches,
/// comes from that; all else by a subscription of its own, until it has caught up with the channel.
std::unique_ptr<Feed> follow_events(std::shared_ptr<EventSources> sources, EventWish wish, FeedFraming framing);

}  // namespace novacron::host::api
