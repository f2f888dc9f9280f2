// Idempotency-Key: which requests were done already, and what came of them.
#pragma once

#include <memory>
#include <string>

#include "host/resource/objects.h"
#include "host/resource/store.h"

namespace novacron::host::resource {

class StoredRequest;  // record.proto

struct SeenRequest {
  std::string key;
  uint64_t revision = 0;                        ///< of the key; 0: it is not there
  std::shared_ptr<const StoredRequest> record;  ///< null: not seen, or so long ago that it does not count

  ObjectRef ref() const;
};

/// INVALID_ARGUMENT "resource.idempotency-mismatch": the key came with another body before.
Result<SeenRequest> find_request(Objects& objects, const auth::Context& context, const std::string& tenant,
                                 const Idempotency& idempotency, uint64_t now_ns);

/// What is kept of a request that is done now.
StoredRequest request_record(const Idempotency& idempotency, const ObjectRef& ref, uint64_t now_ns);

}  // namespace novacron::host::resource
