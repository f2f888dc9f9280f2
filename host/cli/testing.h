// What the tests of the CLI share: a schema of their own, the environment of one run, and a host that they script.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/contract/schema.h"

namespace novacron::host::cli::testing {

/// The schema with testdata/workshop.proto installed.
const std::shared_ptr<const contract::Schema>& workshop();

}  // namespace novacron::host::cli::testing
