// Label selectors from anybody.
#include "host/resource/selector.h"

#include <cstdint>
#include <string_view>

using namespace novacron::host::resource;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto selector = Selector::parse({reinterpret_cast<const char*>(data), size});
  if (selector.ok()) (void)selector->matches({{"app", "web"}, {"example.com/team", "blue"}});
  return 0;
}
