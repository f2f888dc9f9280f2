#include "host/api/deprecation.h"

#include <ctime>

namespace novacron::host::api {
namespace {

const contract::Deprecation* of_kind(const contract::Kind* kind) {
  return kind != nullptr && kind->deprecated ? &*kind->deprecated : nullptr;
}

const contract::Deprecation* of_verb(const contract::Kind* kind, const std::string& verb) {
  const auto* action = kind != nullptr ? kind->find_action(verb) : nullptr;
  return action != nullptr && action->deprecated ? &*action->deprecated : of_kind(kind);
}

/// HTTP's own format, which knows English alone: "Mon, 30 Nov 2026 00:00:00 GMT".
std::string http_date(int64_t seconds) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t time = seconds;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[parts.tm_wday], parts.tm_mday,
                kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return text;
}

}  // namespace

const contract::Deprecation* find_deprecation(const Route& route, const contract::Schema& schema) {
  if (const auto* at = std::get_if<CollectionRoute>(&route)) return of_kind(schema.find_segment(at->segment));
  if (const auto* at = std::get_if<CollectionVerbRoute>(&route))
    return of_verb(schema.find_segment(at->segment), at->verb);
  if (const auto* at = std::get_if<ObjectRoute>(&route)) return of_kind(schema.find_segment(at->segment));
  if (const auto* at = std::get_if<VerbRoute>(&route)) return of_verb(schema.find_segment(at->segment), at->verb);
  return nullptr;
}

void add_headers(const contract::Deprecation& deprecation, Response& response) {
  response.headers.set("Deprecation", "@" + std::to_string(deprecation.since_s));
  if (deprecation.sunset_s != 0) response.headers.set("Sunset", http_date(deprecation.sunset_s));
}

}  // namespace novacron::host::api
