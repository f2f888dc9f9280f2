// Conditions of contracts, and field selectors, from anybody.
#include "host/contract/condition.h"

#include <google/protobuf/message.h>

#include <cstdint>

#include "host/contract/testing/testing.h"

using namespace novacron::host::contract;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto& kind = *testing::shop_schema()->find_kind("shop/Robot");
  constexpr uint64_t kNowNs = 1'800'000'000'000'000'000;
  const auto condition = Condition::compile(*kind.message, {reinterpret_cast<const char*>(data), size}, kNowNs);
  if (condition.ok()) (void)(*condition)->holds(*kind.message->prototype);
  return 0;
}
