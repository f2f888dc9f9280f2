#include "host/raft/progress.h"

#include <catch2/catch.hpp>

using namespace novacron::host::raft;

namespace {

Entries entries(Index first, Index last, size_t bytes = 1) {
  Entries out;
  for (Index index = first; index <= last; ++index) {
    out.push_back(std::make_shared<Entry>(Entry{1, index, EntryKind::kCommand, std::string(bytes, 'x')}));
  }
  return out;
}

/// One whose log is known to agree up to `match`.
Progress replicating(Index match) {
  Progress progress(match + 1);
  progress.accepted(match);
  return progress;
}

}  // namespace

TEST_CASE("A member whose log is not known gets one append at a time") {
  Progress progress(5);
  progress.sent(entries(5, 6));
  CHECK(progress.is_paused());
  CHECK(progress.next() == 5);
  progress.resume_probe();
  CHECK_FALSE(progress.is_paused());
}

TEST_CASE("A refusal leads back to the hint, never behind what is known, and counts once") {
  Progress progress(9);
  progress.sent({});
  CHECK(progress.rejected(1, 8, 3));
  CHECK(progress.next() == 4);
  CHECK_FALSE(progress.rejected(1, 8, 1));
  CHECK(progress.next() == 4);
}

TEST_CASE("One that has lost what it had is not asked again at once") {
  Progress progress = replicating(10);
  progress.probe();
  progress.sent({});
  CHECK_FALSE(progress.rejected(progress.attempt(), 10, 4));
  CHECK(progress.is_paused());
  progress.resume_probe();
  CHECK_FALSE(progress.is_paused());
}

TEST_CASE("Appends follow each other up to a number and a size") {
  Progress many = replicating(0);
  for (Index index = 1; index <= kMaxMessagesInFlight; ++index) many.sent(entries(index, index));
  CHECK(many.is_paused());
  many.accepted(1);
  CHECK_FALSE(many.is_paused());

  Progress large = replicating(0);
  large.sent(entries(1, 1, kMaxBytesInFlight));
  CHECK(large.is_paused());
}

TEST_CASE("While it replicates, a refusal of what it has is an old one") {
  Progress progress = replicating(10);
  progress.sent(entries(11, 20));
  CHECK_FALSE(progress.rejected(1, 10, 5));
  CHECK(progress.rejected(1, 20, 10));
  CHECK(progress.next() == 11);
  CHECK(progress.state() == Progress::State::kProbe);
}

TEST_CASE("Of a window that is refused, the first refusal counts, also when it replicates again") {
  Progress progress = replicating(10);
  progress.sent(entries(11, 11));
  progress.sent(entries(12, 12));
  CHECK(progress.rejected(1, 11, 10));
  progress.accepted(11);
  REQUIRE(progress.state() == Progress::State::kReplicate);
  CHECK_FALSE(progress.rejected(1, 12, 10));
}

TEST_CASE("While a snapshot is on its way nothing else is, until it arrives or is late") {
  Progress progress(1);
  progress.sent_snapshot(50, 100);
  CHECK(progress.is_paused());
  progress.accepted(20);
  CHECK(progress.state() == Progress::State::kSnapshot);
  CHECK_FALSE(progress.snapshot_is_late(110, 20));
  CHECK(progress.snapshot_is_late(121, 20));
  progress.snapshot_moves(120);
  CHECK_FALSE(progress.snapshot_is_late(121, 20));
  progress.accepted(50);
  CHECK(progress.state() == Progress::State::kReplicate);
  CHECK(progress.next() == 51);
}
