// An object as it lies in the state, before anybody asks for it.
#pragma once

#include <memory>
#include <string>

#include "host/resource/object.h"
#include "host/state/engine.h"

namespace novacron::core::v1 {
class Metadata;
}

namespace novacron::host::resource {

class StoredSpec;  // record.proto

struct StoredObject {
  ObjectRef ref;  ///< with its uid
  std::shared_ptr<const StoredSpec> record;
  std::string status;
  uint64_t spec_revision = 0;
  uint64_t status_revision = 0;
  uint64_t create_revision = 0;

  const core::v1::Metadata& metadata() const;
  uint64_t revision() const { return std::max(spec_revision, status_revision); }
};

/// From the values of its keys; `status` may be null. DATA_LOSS "resource.corrupt".
Result<StoredObject> stored_object(const state::Entry& spec, const state::Entry* status);

/// For who asks. The schema knows the kind.
ObjectView view_of(std::shared_ptr<const contract::Schema> schema, const StoredObject& object);

/// "<uid>-<revision>" or "<uid>-g<generation>" against the object: ABORTED "resource.conflict" unless it matches.
Status check_if_match(const std::string& if_match, const StoredObject& object);

/// What failed because the object is not as expected.
Error conflict(std::string message);
Error not_found(const ObjectRef& ref);
/// "robot r1 of tenant a"-like.
std::string describe(const ObjectRef& ref);

/// Deterministic bytes of one of the host's own messages.
std::string message_bytes(const google::protobuf::Message& message);

}  // namespace novacron::host::resource
