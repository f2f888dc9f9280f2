// What all tests came to, for people, for programs and for CI.
#pragma once

#include <string>
#include <vector>

#include "sdk/validate/child.h"

namespace novacron::validate {

struct Report {
  std::string path;  ///< of the library
  std::string id;
  std::string version;
  std::string placement;
  uint64_t seed = 0;
  std::vector<TestResult> results;

  size_t count(Verdict verdict) const;
};

std::string to_text(const Report& report);
std::string to_json(const Report& report);
std::string to_junit(const Report& report);

}  // namespace novacron::validate
