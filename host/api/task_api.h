// GET /v1/tasks: who did what, the newest first.
#pragma once

#include "host/api/call.h"
#include "host/resource/store.h"

namespace novacron::host::api {

/// [worker] Parameters: object ("group/Kind/name"), tenant, principal, verb, outcome, limit, page_token. What was
/// refused comes with outcome=REFUSED alone.
Result<Response> list_tasks(const Call& call, resource::Store& store);

}  // namespace novacron::host::api
