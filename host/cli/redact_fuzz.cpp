#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "host/cli/redact.h"

using namespace novacron::host::cli;

/// Whatever comes: a second time there is nothing left to mask in credentials and keys, and JSON stays JSON.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string once = redacted(text);
  if (once.find("PRIVATE KEY-----\n") != std::string::npos && once.find("-----BEGIN EC PRIVATE KEY-----") == 0)
    std::abort();
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_discarded() && redacted_json(json).type() != json.type()) std::abort();
  return 0;
}
