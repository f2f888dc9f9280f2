#include "host/api/event_api.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/api/event_cursor.h"
#include "host/api/problem.h"
#include "host/base/clock.h"
#include "host/bus/subject.h"
#include "host/contract/moment.h"

namespace novacron::host::api {
namespace {

constexpr std::string_view kEventKind = "novacron.core/Event";
constexpr std::string_view kBatch = "application/cloudevents-batch+json";
constexpr std::string_view kCloudEvents = "application/cloudevents+json";

/// "novacron.core/Node/n1".
Result<EventObject> object_of(const std::string& text) {
  const size_t slash = text.rfind('/');
  const bool fits = slash != std::string::npos && slash + 1 < text.size() && text.find('/') < slash;
  if (fits) return EventObject{text.substr(0, slash), text.substr(slash + 1)};
  return Error{Code::kInvalidArgument, "object: must be group/Kind/name, such as novacron.core/Node/n1", "http.query"};
}

/// Whose events: those of the caller's own tenant, if it has one.
Result<std::string> tenant_of(const Call& call) {
  const std::string& own = call.context->identity.tenant;
  const std::string wanted = call.uri.query.text("tenant");
  if (own.empty() || wanted.empty() || own == wanted) return own.empty() ? wanted : own;
  return Error{Code::kPermissionDenied, "the token is for tenant " + own + " alone", "auth.denied"};
}

bool resumes(const bus::Interest& interest) {
  return interest.after || interest.after_sequence != 0 || interest.after_revision != 0;
}

Result<EventTimes> times_of(const Query& query) {
  const uint64_t now_ns = system_clock().real_ns();
  const auto moment = [&](const char* name, uint64_t& ns) -> Status {
    if (query.find(name) == nullptr) return {};
    const auto time = contract::parse_moment(query.text(name), now_ns);
    if (!time || time->seconds < 0) {
      return Error{Code::kInvalidArgument,
                   std::string(name) + " must be a time such as 2026-01-31T12:00:00Z or now-1h30m", "http.query"};
    }
    ns = static_cast<uint64_t>(time->seconds) * 1'000'000'000 + static_cast<uint64_t>(time->nanos);
    return {};
  };
  EventTimes times;
  TRY_STATUS(moment("since", times.since_ns));
  TRY_STATUS(moment("until", times.until_ns));
  return times;
}

void take_all(bus::Interest& interest) {
  interest.after_sequence = 1;
  interest.overflow = bus::Overflow::kDropOldest;
}

/// Where to begin: "after", the header of a client that reconnects, or the older parameters.
Status resume(const Call& call, bus::Interest& interest) {
  const Query& query = call.uri.query;
  std::string after = query.text("after");
  if (const auto last_id = call.request.headers.get("Last-Event-ID"); !last_id.empty()) after = last_id;
  if (after == "0" || query.text("after_sequence") == "0") {
    take_all(interest);
    return {};
  }
  if (!after.empty()) {
    interest.after = TRY(parse_cursor(after));
    return {};
  }
  interest.after_sequence = TRY(query.number("after_sequence", 0));
  interest.after_revision = TRY(query.number("after_revision", 0));
  if (query.find("since") != nullptr && !resumes(interest)) take_all(interest);
  return {};
}

Result<EventWish> wish_of(const Call& call) {
  const Query& query = call.uri.query;
  TRY_STATUS(query.only(
      {"subject", "object", "tenant", "after", "after_sequence", "after_revision", "since", "until", "limit"}));
  EventWish wish;
  wish.times = TRY(times_of(query));
  wish.interest.pattern = query.find("subject") != nullptr ? query.text("subject") : ">";
  TRY_STATUS(bus::check_pattern(wish.interest.pattern));
  if (const auto tenant = TRY(tenant_of(call)); !tenant.empty()) wish.interest.tenant = tenant;
  if (query.find("object") != nullptr) wish.object = TRY(object_of(query.text("object")));
  TRY_STATUS(resume(call, wish.interest));
  return wish;
}

Response batch_of(std::vector<bus::EventPtr> events, const EventWish& wish, size_t limit, EventTexts& texts) {
  const bool is_first_page = !resumes(wish.interest) || wish.interest.overflow == bus::Overflow::kDropOldest;
  std::erase_if(events, [&](const bus::EventPtr& event) { return !is_wished(*event, wish); });
  if (events.size() > limit && is_first_page)
    events.erase(events.begin(), events.end() - static_cast<ptrdiff_t>(limit));
  if (events.size() > limit) events.resize(limit);
  std::string json = "[";
  for (const auto& text : texts.of(events)) json += (json.size() > 1 ? "," : "") + *text;
  Response response;
  response.headers.set("Content-Type", std::string(kBatch));
  response.body = json + "]";
  return response;
}

}  // namespace

EventApi::EventApi(Parts parts)
    : parts_(std::move(parts)), sources_(std::make_shared<EventSources>(parts_.bus, "/v1/nodes/" + parts_.node)) {}

Result<Response> EventApi::too_old(const Call& call, const Error& error) const {
  auto response = problem(error, call.request.id);
  auto json = nlohmann::ordered_json::parse(std::get<std::string>(response.body));
  json["oldest_cursor"] = cursor_text(parts_.bus.oldest());
  response.body = json.dump();
  return response;
}

Result<Response> EventApi::events(const Call& call) {
  EventWish wish = TRY(wish_of(call));
  TRY_STATUS(parts_.authorizer.authorize(*call.context,
                                         {"watch", std::string(kEventKind), wish.interest.tenant.value_or(""), ""}));
  const size_t limit = TRY(call.uri.query.number("limit", kDefaultEventsOfBatch));
  if (limit == 0 || limit > kMaxEventsOfBatch)
    return Error{Code::kInvalidArgument, "limit: from 1 to 1000", "http.query"};
  auto retained = parts_.bus.retained(wish.interest);
  if (!retained.ok()) {
    if (retained.error().reason == "bus.compacted") return too_old(call, retained.error());
    return retained.error();
  }
  const auto format = feed_format(call.request);
  if (format == FeedBody::Format::kLines && accepts(call.request, kBatch))
    return batch_of(*std::move(retained), wish, limit, sources_->texts);
  Response response;
  const bool named = accepts(call.request, kCloudEvents);
  response.headers.set("Content-Type", format == FeedBody::Format::kServerSentEvents ? "text/event-stream"
                                       : named                                       ? std::string(kCloudEvents)
                                                                                     : "application/x-ndjson");
  response.body = FeedBody{follow_events(sources_, std::move(wish), framing_of(format)), format};
  return response;
}

}  // namespace novacron::host::api
