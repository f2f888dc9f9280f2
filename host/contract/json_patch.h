// RFC 6902: a list of operations on a JSON document, of which all happen or none.
#pragma once

#include <string>
#include <string_view>

#include "host/base/result.h"

namespace novacron::host::contract {

inline constexpr size_t kMaxPatchOperations = 256;
inline constexpr size_t kMaxCopiedBytes = 1024 * 1024;  ///< by all "copy" operations of one patch

/// An object's JSON in two forms that differ in its secrets alone.
struct PatchTarget {
  std::string_view revealed;
  std::string_view masked;
};

/// The patched form with its secrets. INVALID_ARGUMENT "json.invalid": the patch is no RFC 6902 patch, or beyond the
/// limits; INVALID_ARGUMENT "json.patch-path": an operation's path is not there; FAILED_PRECONDITION "json.patch-test":
/// a test does not hold. Each names the operation by its index. A test sees a secret's mask, and a secret is neither
/// copied nor moved, so that a patch cannot find one out.
Result<std::string> json_patch(const PatchTarget& target, std::string_view patch);

}  // namespace novacron::host::contract
