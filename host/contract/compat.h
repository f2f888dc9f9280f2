// Whether one version of a .proto file holds all that an older one defined.
#pragma once

#include "host/contract/violations.h"

namespace google::protobuf {
class FileDescriptorProto;
}

namespace novacron::host::contract {

/// Adds a violation for each message, field, enum value, service, method or kind of `older` that `newer` lacks or has
/// changed, by its full name. What the newer one adds is fine.
void require_superset(const google::protobuf::FileDescriptorProto& older,
                      const google::protobuf::FileDescriptorProto& newer, Violations& violations);

}  // namespace novacron::host::contract
