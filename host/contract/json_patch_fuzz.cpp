// A JSON patch from anybody: never crashes, and what comes of it is JSON.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "host/contract/json_patch.h"
#include "host/contract/json_text.h"

using namespace novacron::host::contract;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr std::string_view kRevealed =
      R"({"metadata":{"labels":{"a":"b"}},"spec":{"arms":2,"list":[1,{"pin":"x"}]}})";
  constexpr std::string_view kMasked =
      R"({"metadata":{"labels":{"a":"b"}},"spec":{"arms":2,"list":[1,{"pin":"********"}]}})";
  const auto patched = json_patch({kRevealed, kMasked}, {reinterpret_cast<const char*>(data), size});
  if (patched.ok() && !parse_json(*patched).ok()) std::abort();
  return 0;
}
