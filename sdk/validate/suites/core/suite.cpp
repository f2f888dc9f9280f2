#include "sdk/validate/suites/core/core.h"

namespace novacron::validate {

Suite core_suite() {
  Suite suite{.name = "core", .service = "", .tests = {}};
  for (auto* add : {core::add_library_tests, core::add_descriptor_tests, core::add_lifecycle_tests,
                    core::add_call_tests, core::add_memory_tests, core::add_host_tests, core::add_process_tests}) {
    add(suite.tests);
  }
  return suite;
}

}  // namespace novacron::validate
