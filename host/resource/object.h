// Objects as the store gives them out, and how they are named.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/contract/json.h"
#include "host/contract/schema.h"

namespace novacron::host::resource {

inline constexpr std::string_view kPluginKind = "novacron.core/Plugin";
inline constexpr std::string_view kContractKind = "novacron.core/Contract";
inline constexpr std::string_view kNodeKind = "novacron.core/Node";
inline constexpr std::string_view kTenantKind = "novacron.core/Tenant";
inline constexpr std::string_view kOperationKind = "novacron.core/Operation";
inline constexpr std::string_view kBlobKind = "novacron.core/Blob";
inline constexpr std::string_view kAdmissionHookKind = "novacron.core/AdmissionHook";
inline constexpr std::string_view kDefaultTenant = "default";

/// Names one object. `uid`, when given, must be its.
struct ObjectRef {
  std::string kind;    ///< "novacron.core/Node"
  std::string tenant;  ///< empty for kinds of scope HOST
  std::string name;
  std::string uid = {};
};

/// One object as of one revision. The parts are encoded messages: novacron.core.v1.Metadata and the kind's own.
struct ObjectView {
  std::shared_ptr<const contract::Schema> schema;  ///< owns `kind`
  const contract::Kind* kind = nullptr;
  ObjectRef ref;
  std::string metadata;
  std::string spec;
  std::string status;
  uint64_t generation = 0;
  uint64_t revision = 0;         ///< of the last change of either part; 0: of a dry run that would create it
  uint64_t spec_revision = 0;    ///< of the last change of metadata or spec
  uint64_t status_revision = 0;  ///< 0: never written
  bool deleting = false;         ///< deletion was asked for, finalizers are left
};

/// The body of a write: the whole object as JSON, or its encoded parts.
struct Body {
  static Body json(std::string text) { return {std::move(text), {}, {}, true}; }
  static Body parts(std::string metadata, std::string spec) {
    return {{}, std::move(metadata), std::move(spec), false};
  }

  std::string text;
  std::string metadata;
  std::string spec;
  bool is_json = true;
};

/// Shows the object by the names of a version of its kind, "v1". Nothing changes when that is not installed any more.
void speak(ObjectView& object, const std::string& version);

/// {"kind":…,"metadata":{…},"spec":{…},"status":{…}}
Result<std::string> to_json(const ObjectView& object, const contract::EncodeOptions& options = {});
/// The bytes of the kind's own message.
std::string to_message(const ObjectView& object);

/// `"<uid>-<revision>"`, without the quotes of HTTP.
std::string etag(const ObjectView& object);

}  // namespace novacron::host::resource
