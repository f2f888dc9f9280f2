// Errors as RFC 9457 problem details.
#pragma once

#include <string>
#include <string_view>

#include "host/api/http.h"
#include "host/base/result.h"

namespace novacron::host::api {

/// The HTTP status of an error; a few reasons have one of their own.
int http_status(const Error& error);

/// application/problem+json with "type", "title", "status", "detail", "code", "reason", "request_id" and, of an invalid
/// request, "fields": [{"path", "message"}]. Retry-After and WWW-Authenticate where they belong.
Response problem(const Error& error, std::string_view request_id);

}  // namespace novacron::host::api
