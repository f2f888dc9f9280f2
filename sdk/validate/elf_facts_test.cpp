#include "sdk/validate/elf_facts.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

using novacron::validate::read_elf;

namespace {

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("a template's library says that it is as a plugin must be") {
  const auto facts = read_elf(bytes_of(NOVACRON_TEST_PLUGINS "/hello/plugin.so"));
  REQUIRE(facts.ok());
  CHECK(facts->exports == std::vector<std::string>{"novacron_plugin_entry_v1"});
  CHECK(facts->has_relro);
  CHECK(facts->binds_now);
  CHECK(facts->is_never_unloaded);
  CHECK(facts->has_unwind_table);
  CHECK_FALSE(facts->has_text_relocations);
  CHECK_FALSE(facts->has_executable_stack);
  CHECK_FALSE(facts->is_go);
}

TEST_CASE("what is no library is refused, and so is half of one") {
  const std::string whole = bytes_of(NOVACRON_TEST_PLUGINS "/hello/plugin.so");
  CHECK_FALSE(read_elf("").ok());
  CHECK_FALSE(read_elf("\x7f"
                       "ELF")
                  .ok());
  CHECK_FALSE(read_elf(std::string(4'096, 'x')).ok());
  CHECK_FALSE(read_elf(whole.substr(0, 100)).ok());
  CHECK_FALSE(read_elf(bytes_of("/proc/self/exe").substr(0, 64)).ok());
}
