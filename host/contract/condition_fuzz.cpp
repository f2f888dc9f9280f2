// Conditions of contracts from anybody.
#include "host/contract/condition.h"

#include <google/protobuf/message.h>

#include <cstdint>

#include "host/contract/testing/testing.h"

using namespace novacron::host::contract;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto& kind = *testing::shop_schema()->find_kind("shop/Robot");
  const auto condition = Condition::compile(*kind.message, {reinterpret_cast<const char*>(data), size});
  if (condition.ok()) (void)(*condition)->holds(*kind.message->prototype);
  return 0;
}
