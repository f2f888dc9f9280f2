// Contracts for tests.
#pragma once

#include <memory>
#include <string>

#include "host/contract/schema.h"

namespace novacron::host::contract::testing {

/// The descriptor set of testdata/shop/v1/shop.proto with its imports.
const std::string& shop_descriptor_set();
/// The schema with it installed.
const std::shared_ptr<const Schema>& shop_schema();

/// The descriptor set of one file with this text, named `file`, which may import the host's own. Aborts with the
/// parser's words when the text is no .proto.
std::string compile_proto(const std::string& file, const std::string& text);

}  // namespace novacron::host::contract::testing
