#include "sdk/validate/test.h"

namespace novacron::validate {

std::vector<Suite> all_suites() {
  return {core_suite(), driver_suite(), scheduler_suite()};
}

}  // namespace novacron::validate
