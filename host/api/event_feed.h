// Events as the outside sees them: CloudEvents 1.0 in JSON.
//
//   {"specversion":"1.0","id":"42-0","source":"/v1","type":"resource.node.put","subject":"novacron.core/Node/n1",
//    "time":"…","datacontenttype":"application/json","cursor":"…","revision":"42","data":{…}}
//
// What derives from the state has the source "/v1" and its position as id, the same on every node and after a restart;
// everything else the node that tells it as source, and its sequence there as id.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "host/api/feed.h"
#include "host/bus/bus.h"

namespace novacron::host::api {

inline constexpr std::string_view kEventsEndedType = "novacron.events.ended";  ///< its data says why, as a problem
inline constexpr size_t kMaxQueuedEvents = 4'096;  ///< of one client; then its feed ends with "bus.overflow"

/// Whose events are wanted: those whose body says that they are about it.
struct EventObject {
  std::string kind;  ///< "novacron.core/Node"
  std::string name;
};

/// What is put into each event besides.
struct EventNotes {
  uint64_t missed = 0;     ///< lost just before this one
  bool restarted = false;  ///< the host has started anew since the event before; what it told that is not of the state
                           ///< is lost
};

/// One line of JSON.
std::string cloud_event(const bus::Event& event, const std::string& node, const EventNotes& notes = {});
bool is_about(const bus::Event& event, const EventObject& object);

struct EventWish {
  bus::Interest interest;
  std::optional<EventObject> object = {};
  std::string node;
};

/// A pattern that is none is reported as the feed's end.
std::unique_ptr<Feed> follow_events(bus::Bus& bus, EventWish wish);

}  // namespace novacron::host::api
