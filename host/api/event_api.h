// GET /v1/events: a stream, or what is retained as one document.
#pragma once

#include <memory>
#include <string>

#include "host/api/call.h"
#include "host/api/event_feed.h"
#include "host/api/http.h"
#include "host/auth/context.h"
#include "host/bus/bus.h"

namespace novacron::host::api {

inline constexpr size_t kDefaultEventsOfBatch = 500;
inline constexpr size_t kMaxEventsOfBatch = 1'000;

/// [worker] threads.
///
///   subject           a pattern; without: all
///   object            "group/Kind/name": what is about that one
///   tenant            what is of that tenant
///   since, until      by time: "now-10m", or RFC 3339; since without a cursor begins with what is retained
///   after             a cursor; 0: all that is retained. Also the header Last-Event-ID
///   limit             of a batch
///
/// A batch (Accept: application/cloudevents-batch+json) has the first ones behind the cursor, or without one the last.
/// 410 "bus.compacted" with "oldest_cursor" for one that is too old.
class EventApi {
 public:
  struct Parts {
    bus::Bus& bus;
    const auth::Authorizer& authorizer;
    std::string node;
  };
  explicit EventApi(Parts parts);

  Result<Response> events(const Call& call);

 private:
  Result<Response> too_old(const Call& call, const Error& error) const;

  const Parts parts_;
  const std::shared_ptr<EventSources> sources_;  ///< shared with what follows events
};

}  // namespace novacron::host::api
