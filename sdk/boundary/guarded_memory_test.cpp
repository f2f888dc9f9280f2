#include "sdk/boundary/guarded_memory.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

using novacron::boundary::GuardedMemory;
using novacron::boundary::Loaned;

namespace {

/// Whether an access ends its process: tried in a child.
bool faults(const std::function<void()>& access) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (const int number : {SIGSEGV, SIGBUS}) std::signal(number, [](int) { ::_exit(77); });
    access();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 77;
}

volatile char seen;

}  // namespace

TEST_CASE("what is lent can be read to its last byte and no further") {
  GuardedMemory memory;
  for (const size_t length : {size_t{1}, size_t{13}, size_t{4'096}, size_t{5'000}}) {
    const std::string bytes(length, 'x');
    auto* const loan = static_cast<volatile char*>(memory.lend(bytes.data(), length, "a body"));
    REQUIRE(loan != nullptr);
    memory.seal(const_cast<char*>(loan));
    CHECK_FALSE(faults([&] { seen = loan[length - 1]; }));
    CHECK(faults([&] { seen = loan[length]; }));
    CHECK(faults([&] { loan[0] = 'y'; }));
  }
}

TEST_CASE("what is over cannot be touched, and its address says what it was") {
  GuardedMemory memory;
  auto* const loan = static_cast<volatile char*>(memory.lend("abc", 3, "a body"));
  REQUIRE(loan != nullptr);
  memory.end(const_cast<char*>(loan));
  CHECK(faults([&] { seen = loan[0]; }));
  Loaned about;
  REQUIRE(memory.explain(const_cast<char*>(loan) + 1, about));
  CHECK(std::strcmp(about.what, "a body") == 0);
  CHECK(about.length == 3);
  CHECK(about.offset == 1);
  CHECK(about.is_over);
  CHECK_FALSE(memory.explain(&about, about));
}

TEST_CASE("loans beyond the bound take the place of those that have been over the longest") {
  GuardedMemory memory;
  const void* first = memory.lend("x", 1, "the first");
  memory.end(first);
  for (size_t i = 0; i < GuardedMemory::kMaxLoans; ++i) memory.end(memory.lend("x", 1, "another"));
  Loaned about;
  CHECK((!memory.explain(first, about) || std::string(about.what) == "another"));
  CHECK(memory.running() == 0);
}
