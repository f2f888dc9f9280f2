// What the body of a write says about the object, and who may say it.
#pragma once

#include <string>

#include "host/auth/context.h"
#include "host/resource/object.h"

namespace novacron::core::v1 {
class Metadata;
}

namespace novacron::host::resource {

/// INVALID_ARGUMENT "field.invalid" for bytes that are no metadata.
Result<core::v1::Metadata> metadata_of(const std::string& bytes);

/// What the path says and what the body says must agree; what only one says counts.
Status agree(const core::v1::Metadata& metadata, ObjectRef& ref);

/// The host itself, for nobody else.
bool is_host(const auth::Context& context);

/// Operations are the host's: whoever could write one could have any method called.
Status check_host_only(const auth::Context& context, const ObjectRef& ref);

}  // namespace novacron::host::resource
