// JSON from anybody: never crashes, and what is read comes back the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/contract/json.h"
#include "host/contract/testing/testing.h"
#include "host/contract/validate.h"

using namespace novacron::host::contract;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto& type = *testing::shop_schema()->find_kind("shop/Robot")->spec;
  const auto bytes = json_to_message(type, {reinterpret_cast<const char*>(data), size});
  if (!bytes.ok()) return 0;
  (void)validate(type, *bytes, &*bytes, "spec");
  const auto json = message_to_json(type, *bytes, {Secrets::kReveal, Layout::kCompact});
  if (!json.ok()) return 0;  // nested deeper than what is stored may be
  const auto again = json_to_message(type, *json);
  if (!again.ok() || *again != *bytes) std::abort();
  return 0;
}
