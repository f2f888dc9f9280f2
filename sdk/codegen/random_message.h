// Random messages of any type, for tests.
#pragma once

#include <cstdint>
#include <random>

#include "sdk/codegen/descriptor_fwd.h"

namespace google::protobuf {
class Message;
}

namespace novacron::codegen {

using Random = std::mt19937_64;

/// NOVACRON_TEST_SEED, or a new one each time. Tests print it.
uint64_t test_seed();
/// Sets each field with a chance of one half; nested at most `depth` deep.
void fill_randomly(google::protobuf::Message& message, Random& random, int depth);

}  // namespace novacron::codegen
