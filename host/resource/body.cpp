#include "host/resource/body.h"

#include <novacron/core/v1/resource.pb.h>

#include "host/auth/roles.h"
#include "host/contract/violations.h"

namespace novacron::host::resource {

Result<core::v1::Metadata> metadata_of(const std::string& bytes) {
  core::v1::Metadata metadata;
  if (metadata.ParseFromString(bytes)) return metadata;
  return Error{Code::kInvalidArgument, "metadata: cannot be read", "field.invalid"};
}

Status agree(const core::v1::Metadata& metadata, ObjectRef& ref) {
  contract::Violations violations;
  const auto one = [&violations](const std::string& given, std::string& named, const char* path) {
    if (named.empty()) named = given;
    if (!given.empty() && given != named) violations.add(path, "must be " + named);
  };
  one(metadata.name(), ref.name, "metadata.name");
  one(metadata.tenant(), ref.tenant, "metadata.tenant");
  return violations.status();
}

bool is_host(const auth::Context& context) {
  return context.identity.principal == auth::kHostPrincipal && context.chain.empty();
}

Status check_host_only(const auth::Context& context, const ObjectRef& ref) {
  if (ref.kind != kOperationKind || is_host(context)) return {};
  return Error{Code::kPermissionDenied, "operations are written by the host; patch spec.cancel to stop one",
               "auth.denied"};
}

}  // namespace novacron::host::resource
