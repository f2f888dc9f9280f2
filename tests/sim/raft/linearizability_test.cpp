#include "tests/sim/raft/linearizability.h"

#include <catch2/catch.hpp>

using novacron::sim::check_register;
using novacron::sim::Operation;

namespace {

Operation wrote(uint64_t value, uint64_t called, std::optional<uint64_t> answered) {
  return {Operation::Kind::kWrite, called, answered, value, "a"};
}
Operation read(uint64_t value, uint64_t called, uint64_t answered) {
  return {Operation::Kind::kRead, called, answered, value, "b"};
}
bool fits(std::vector<Operation> operations) {
  const auto verdict = check_register(std::move(operations));
  REQUIRE(verdict.is_decided);
  return verdict.is_linearizable;
}

}  // namespace

TEST_CASE("Nothing, and what comes one after the other, is linearizable") {
  CHECK(fits({}));
  CHECK(fits({read(0, 1, 2), wrote(5, 3, 4), read(5, 5, 6)}));
}

TEST_CASE("A read that misses a write which was answered before it is not") {
  CHECK_FALSE(fits({wrote(5, 1, 2), read(0, 3, 4)}));
  CHECK_FALSE(fits({wrote(5, 1, 2), wrote(6, 3, 4), read(5, 5, 6)}));
}

TEST_CASE("Beside a write a read may see it or not, but two reads cannot see it go again") {
  CHECK(fits({wrote(5, 1, 9), read(0, 2, 3), read(5, 4, 5)}));
  CHECK_FALSE(fits({wrote(5, 1, 9), read(5, 2, 3), read(0, 4, 5)}));
}

TEST_CASE("A write without an answer happens late, or never, but once") {
  CHECK(fits({wrote(5, 1, std::nullopt), read(0, 2, 3), read(5, 8, 9)}));
  CHECK(fits({wrote(5, 1, std::nullopt), read(0, 2, 3)}));
  CHECK_FALSE(fits({wrote(5, 1, std::nullopt), wrote(6, 2, 3), read(5, 4, 5), wrote(7, 6, 7), read(5, 8, 9)}));
}

TEST_CASE("A value that nobody wrote is not") {
  CHECK_FALSE(fits({read(1, 1, 2)}));
}

TEST_CASE("The verdict names what could not follow") {
  const auto verdict = check_register({wrote(5, 1, 2), read(0, 3, 4)});
  CHECK(verdict.why.find("and then cannot: b read 0 between 3 and 4") != std::string::npos);
}
