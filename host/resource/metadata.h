// The rules of novacron.core.v1.Metadata that every object keeps, whatever its kind.
#pragma once

#include "host/contract/violations.h"
#include "host/resource/selector.h"

namespace novacron::core::v1 {
class Metadata;
}

namespace novacron::host::resource {

inline constexpr size_t kMaxLabels = 64;
inline constexpr size_t kMaxAnnotationBytes = 64 * 1024;  ///< keys and values of one object together
inline constexpr size_t kMaxFinalizers = 16;
inline constexpr size_t kMaxOwners = 16;

/// Adds a violation for each thing that is not as it must be, by its path from "metadata" on.
void check_metadata(const core::v1::Metadata& metadata, contract::Violations& violations);

Labels labels_of(const core::v1::Metadata& metadata);

}  // namespace novacron::host::resource
