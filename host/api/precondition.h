// The preconditions of a write: If-Match and If-None-Match, RFC 9110.
#pragma once

#include "host/api/call.h"
#include "host/resource/store.h"

namespace novacron::host::api {

/// ABORTED "http.precondition" when If-None-Match names the object as it is; "*" names any. NOT_FOUND when there is
/// none, since without it there is nothing to write.
Status check_none_match(const Call& call, resource::Store& store, const resource::ObjectRef& ref);

/// The answer to a write that was refused: for a precondition that no longer holds 412 with the object's ETag and
/// revision of now, so that the client knows without another request whether it lost; else the error itself.
Result<Response> refused_write(const Call& call, resource::Store& store, const resource::ObjectRef& ref, Error error);

}  // namespace novacron::host::api
