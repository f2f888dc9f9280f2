// Masks of fields from anybody: what one keeps is there, and keeping it again changes nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "host/contract/field_mask.h"
#include "host/contract/testing/testing.h"

using namespace novacron::host::contract;
using nlohmann::json;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

json sample() {
  return json::parse(
      R"({"arms": 2, "home": {"x": 1}, "tools": [{"name": "saw"}, {"name": "axe"}], "notes": {"a": "b"}})");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto& type = *testing::shop_schema()->find_kind("shop/Robot")->spec;
  const auto mask = FieldMask::parse(type, {reinterpret_cast<const char*>(data), size});
  if (!mask.ok()) return 0;
  json kept = sample();
  mask->keep(kept);
  json again = kept;
  mask->keep(again);
  require(again == kept);
  json into = json::object();
  if (mask->copy(sample(), into).ok()) {
    json twice = into;
    require(mask->copy(sample(), twice).ok() && twice == into);
  }
  return 0;
}
