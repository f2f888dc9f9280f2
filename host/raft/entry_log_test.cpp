#include "host/raft/entry_log.h"

#include <catch2/catch.hpp>

using namespace novacron::host::raft;

namespace {

EntryLog log_of(std::initializer_list<Term> terms) {
  EntryLog log(0, 0);
  for (const Term term : terms) {
    log.append(std::make_shared<Entry>(Entry{term, log.last_index() + 1, EntryKind::kCommand, std::string(10, 'x')}));
  }
  return log;
}

}  // namespace

TEST_CASE("Terms are known from the last compaction to the end, and nowhere else") {
  EntryLog log = log_of({1, 1, 2, 3});
  log.compact_through(2);
  CHECK(log.first_index() == 3);
  CHECK_FALSE(log.term_at(1));
  CHECK(log.term_at(2) == 1);
  CHECK(log.term_at(4) == 3);
  CHECK_FALSE(log.term_at(5));
}

TEST_CASE("A slice ends at its limits, but is never empty where there is an entry") {
  const EntryLog log = log_of({1, 1, 1, 1});
  CHECK(log.slice(1, 9, 2, 1'000).size() == 2);
  CHECK(log.slice(1, 9, 9, 25).size() == 2);
  CHECK(log.slice(2, 9, 9, 1).size() == 1);
  CHECK(log.slice(5, 9, 9, 9).empty());
}

TEST_CASE("The last entry that two logs may share is found by index and by term") {
  EntryLog log = log_of({1, 1, 3, 3, 5});
  CHECK(log.last_at_most(9, 4) == 4);
  CHECK(log.last_at_most(3, 9) == 3);
  CHECK(log.last_at_most(5, 2) == 2);
  CHECK(log.last_at_most(5, 0) == 0);
  log.compact_through(3);
  CHECK(log.last_at_most(5, 2) == 3);
}

TEST_CASE("What is cut is gone, also all of it") {
  EntryLog log = log_of({1, 2, 3});
  log.cut_from(2);
  CHECK(log.last_index() == 1);
  log.cut_from(1);
  CHECK(log.last_index() == 0);
  CHECK(log.last_term() == 0);
}
