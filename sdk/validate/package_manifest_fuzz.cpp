// plugin.json is anybody's text, and so is what a test's process reports.
#include <cstddef>
#include <cstdint>
#include <string>

#include "sdk/validate/child.h"
#include "sdk/validate/package.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> faults;
  (void)novacron::validate::parse_manifest(text, faults);
  novacron::validate::TestResult result;
  (void)novacron::validate::from_report("done\t" + text + "\n", result);
  return 0;
}
