// Descriptor sets from anybody: refused or good, never fatal.
#include "host/contract/schema.h"

#include <cstdint>
#include <string>

using namespace novacron::host::contract;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string set(reinterpret_cast<const char*>(data), size);
  const auto contracts = contracts_of(set);
  if (!contracts.ok()) return 0;
  for (const auto& contract : *contracts) (void)Schema::create({{contract.package, set}});
  return 0;
}
