#include "host/cli/testing.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace novacron::host::cli::testing {

const std::shared_ptr<const contract::Schema>& workshop() {
  static const std::shared_ptr<const contract::Schema> kSchema = [] {
    std::ifstream file(NOVACRON_CLI_TEST_SCHEMA, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    auto schema = contract::Schema::create({{"test.workshop.v1", bytes.str()}});
    if (!schema.ok()) {
      std::fprintf(stderr, "%s\n", schema.error().message.c_str());
      for (const auto& field : schema.error().fields) {
        std::fprintf(stderr, "%s: %s\n", field.path.c_str(), field.message.c_str());
      }
      std::abort();
    }
    return *std::move(schema);
  }();
  return kSchema;
}

}  // namespace novacron::host::cli::testing
