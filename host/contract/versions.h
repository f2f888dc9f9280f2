// Versions of a kind: packages "shop.v1" and "shop.v2" that both define shop/Robot.
//
// They are names for the same bytes. A field keeps its number and type; the newer version may name it anew, add fields
// and leave fields out. So nothing is converted when an object is read, each plugin gets the bytes of the version that
// it was built with, and what one version does not know passes through it as an unknown field.
#pragma once

#include <vector>

#include "host/contract/types.h"
#include "host/contract/violations.h"

namespace novacron::host::contract {

/// The newest of the versions of one kind, with the others as `older`. A version that none converts from, and one that
/// does not fit the version before it, is a violation.
Kind newest_of(std::vector<Kind> versions, Violations& violations);

}  // namespace novacron::host::contract
