// One authenticated request on its way through the API.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/api/http.h"
#include "host/api/uri.h"
#include "host/auth/context.h"
#include "host/base/result.h"

namespace novacron::host::api {

struct Call {
  const Request& request;
  const Uri& uri;
  auth::ContextPtr context;
};

/// INVALID_ARGUMENT "http.method" that lists what is allowed.
Error method_not_allowed(const Request& request, std::string_view allowed);

/// Whether the Accept header names the media type.
bool accepts(const Request& request, std::string_view media_type);
/// The items of a header that is a list, without the space around them and without empty ones.
std::vector<std::string> items_of(std::string_view list);
/// How a client wants the messages of a feed.
FeedBody::Format feed_format(const Request& request);

/// INVALID_ARGUMENT "http.content-type" unless the body is of one of these, or there is none. "a/b" without parameters.
Status check_content_type(const Request& request, std::initializer_list<std::string_view> allowed);

/// The one entity tag of If-Match, without its quotes; "*" and absence give "".
Result<std::string> if_match(const Request& request);
/// Whether If-None-Match names the entity tag, so that 304 is the answer.
bool none_match_hits(const Request& request, std::string_view etag);

}  // namespace novacron::host::api
