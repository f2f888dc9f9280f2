// What can be seen in the library's file, before any code of it runs.
#include <algorithm>
#include <optional>

#include "sdk/validate/elf_facts.h"
#include "sdk/validate/suites/core/core.h"

namespace novacron::validate::core {
namespace {

constexpr const char* kEntry = "novacron_plugin_entry_v1";
constexpr size_t kMaxNamed = 5;  // of symbols in a finding

/// Nothing, with a finding, if the file is no library.
std::optional<ElfFacts> facts_of(Run& run) {
  auto facts = read_elf(run.package.library());
  if (facts.ok()) return *std::move(facts);
  run.find(Subject::kPackage, facts.error().message, "a plugin is a shared library",
           "build it with novacron_add_plugin()");
  return std::nullopt;
}

void check_exports(Run& run) {
  const auto facts = facts_of(run);
  if (!facts || facts->exports == std::vector<std::string>{kEntry}) return;
  std::string found;
  for (size_t i = 0; i < std::min(facts->exports.size(), kMaxNamed); ++i) found += " " + facts->exports[i];
  run.find(Subject::kPackage, "it exports" + (found.empty() ? " nothing" : found),
           std::string("the only exported symbol: ") + kEntry,
           "hide the rest: -fvisibility=hidden and a version script, as novacron_add_plugin() does");
}

bool is_forbidden(const std::string& library) {
  return library.starts_with("libprotobuf") || library.starts_with("libgrpc") || library.starts_with("libgo.so");
}

void check_needed(Run& run) {
  const auto facts = facts_of(run);
  if (!facts) return;
  const char* const rule =
      "no protobuf or gRPC runtime, and none of Go's, is inside a plugin: two of them abort the process";
  for (const std::string& library : facts->needed) {
    if (is_forbidden(library))
      run.find(Subject::kPackage, "it needs " + library, rule, "generate the messages: protoc-gen-novacron");
  }
  if (facts->is_go) run.find(Subject::kPackage, "it brings Go's runtime", rule, "let it run in a sandbox only");
}

void check_hardening(Run& run) {
  const auto facts = facts_of(run);
  if (!facts) return;
  const auto expect = [&run](bool holds, const char* what, const char* instead) {
    if (!holds)
      run.find(Subject::kPackage, what, "a plugin's tables are static const, and its library is never unloaded",
               instead);
  };
  expect(facts->has_relro, "its constant tables stay writable", "link with -Wl,-z,relro");
  expect(facts->binds_now, "its symbols are bound lazily, so its table of them stays writable", "link with -Wl,-z,now");
  expect(facts->is_never_unloaded, "it may be unloaded while its code is still called", "link with -Wl,-z,nodelete");
  expect(!facts->has_text_relocations, "its code is written to when it is loaded", "compile with -fPIC");
  expect(!facts->has_executable_stack, "it makes stacks executable", "link with -Wl,-z,noexecstack");
}

void check_unwind(Run& run) {
  const auto facts = facts_of(run);
  if (!facts || facts->has_unwind_table) return;
  run.find(Subject::kPackage, "it has no table for unwinding",
           "an exception that its code throws must reach its own handler",
           "compile with -fasynchronous-unwind-tables, and do not strip .eh_frame_hdr");
}

}  // namespace

void add_library_tests(std::vector<Test>& tests) {
  const auto add = [&tests](const char* name, const char* summary, void (*run)(Run&)) {
    tests.push_back({name, summary, Test::Needs::kFiles, {Subject::kPackage}, run});
  };
  add("elf.exports", "The library exports its entry and nothing else", check_exports);
  add("elf.needed", "It needs no runtime that cannot be in a process twice", check_needed);
  add("elf.hardening", "Its tables are read-only, and it is never unloaded", check_hardening);
  add("elf.unwind", "Exceptions of its own can be unwound", check_unwind);
}

}  // namespace novacron::validate::core
