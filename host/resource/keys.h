// Where in the state things are. Names have no slash and tenants do not start with a dash, so no key can be mistaken.
//
//   resource/<group>/<Kind>/<tenant or ->/<name>/spec     StoredSpec
//   resource/<group>/<Kind>/<tenant or ->/<name>/status   the encoded status
//   uid/<uid>                                             ObjectRef
//   owned/<owner uid>/<uid>                               empty
//   refs/<target uid>/<referrer uid>                      StoredReferrer
//   mark/<uid>                                            empty; written by whoever adds an owned/ or refs/ of that uid
//   blobref/<digest>/<uid>                                empty
//   gc/<uid>                                              empty; gone, with dependents that are left
//   audit/<time>-<n>                                      AuditRecord
//   idempotency/<hash>                                    StoredRequest
//   descriptors/<digest>/<n>                              a piece of a contract's descriptor set
//   operation/<uid>                                       StoredIdentity; until the operation has ended
//   claim/<uid>                                           novacron.core.v1.Claim
//   lease/<plugin>/<lease>                                empty; whose a lease of the State service is
//   kv/<key>                                              the keys of plugins
#pragma once

#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/resource/object.h"

namespace novacron::host::resource {

/// The prefix of all objects of a kind; of one tenant only, if one is given.
std::string kind_prefix(std::string_view kind);
std::string tenant_prefix(std::string_view kind, std::string_view tenant);
/// "…/<name>/": both keys of one object.
std::string object_prefix(const ObjectRef& ref);
std::string spec_key(const ObjectRef& ref);
std::string status_key(const ObjectRef& ref);

struct ParsedKey {
  ObjectRef ref;
  enum class Part { kSpec, kStatus } part = Part::kSpec;
};
/// Of a key with the prefix "resource/"; DATA_LOSS for anything else.
Result<ParsedKey> parse_object_key(std::string_view key);

std::string uid_key(std::string_view uid);
std::string owned_prefix(std::string_view owner_uid);
std::string owned_key(std::string_view owner_uid, std::string_view uid);
std::string refs_prefix(std::string_view target_uid);
std::string refs_key(std::string_view target_uid, std::string_view referrer_uid);
std::string mark_key(std::string_view uid);
std::string blobref_prefix(std::string_view digest);
std::string blobref_key(std::string_view digest, std::string_view uid);
/// Of the Blob object of a digest: "sha256-" and its first 32 hex digits.
std::string blob_name(std::string_view digest);
std::string gc_key(std::string_view uid);
std::string descriptors_prefix(std::string_view digest);
std::string operation_key(std::string_view uid);
std::string claim_key(std::string_view uid);

inline constexpr std::string_view kBlobrefPrefix = "blobref/";
inline constexpr std::string_view kGcPrefix = "gc/";
inline constexpr std::string_view kAuditPrefix = "audit/";
inline constexpr std::string_view kIdempotencyPrefix = "idempotency/";
inline constexpr std::string_view kPluginKeysPrefix = "kv/";

}  // namespace novacron::host::resource
