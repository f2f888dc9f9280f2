// Tells clients that what they use goes away: RFC 9745 and RFC 8594.
#pragma once

#include "host/api/http.h"
#include "host/api/router.h"
#include "host/contract/schema.h"

namespace novacron::host::api {

/// Of the kind, or of the verb, that a route leads to; null: it stays.
const contract::Deprecation* find_deprecation(const Route& route, const contract::Schema& schema);

/// "Deprecation: @<seconds>", and "Sunset: <date>" where one is decided.
void add_headers(const contract::Deprecation& deprecation, Response& response);

}  // namespace novacron::host::api
