#include "guests.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

using novacron::fake::Guests;
using State = Guests::State;

namespace {

constexpr uint64_t kNodeBytes = 100;

/// A path that ends with the test.
struct Journal {
  Journal() {
    const int file = ::mkstemp(path.data());
    REQUIRE(file >= 0);
    ::close(file);
  }
  ~Journal() { ::unlink(path.c_str()); }
  std::string path = "/tmp/novacron-fake-XXXXXX";
};

std::string reason(const novacron::Result<Guests::Change>& change) {
  REQUIRE_FALSE(change.ok());
  return change.error().reason;
}

}  // namespace

TEST_CASE("a call must name its node") {
  auto guests = *Guests::open("", kNodeBytes);
  CHECK(reason(guests->start({"u", "", 1}, 10, "t")) == "fake.no-node");
}

TEST_CASE("a guest that is on one node is refused on another, until it is deleted") {
  auto guests = *Guests::open("", kNodeBytes);
  REQUIRE(guests->start({"u", "a", 1}, 10, "t").ok());
  CHECK(reason(guests->start({"u", "b", 2}, 10, "t")) == "fake.second-guest");
  CHECK(reason(guests->turn({"u", "b", 2}, State::kAbsent)) == "fake.second-guest");
  REQUIRE(guests->turn({"u", "a", 2}, State::kAbsent).ok());
  CHECK(guests->start({"u", "b", 3}, 10, "t").ok());
}

TEST_CASE("a node has only so much memory, and a stopped guest keeps its own") {
  auto guests = *Guests::open("", kNodeBytes);
  REQUIRE(guests->start({"u", "a", 1}, 60, "t").ok());
  CHECK(reason(guests->start({"v", "a", 1}, 41, "t")) == "fake.no-room");
  REQUIRE(guests->turn({"u", "a", 1}, State::kStopped).ok());
  CHECK(reason(guests->start({"v", "a", 1}, 41, "t")) == "fake.no-room");
  CHECK(guests->start({"u", "a", 1}, 60, "t").ok());
  REQUIRE(guests->turn({"u", "a", 1}, State::kAbsent).ok());
  CHECK(guests->start({"v", "a", 1}, 100, "t").ok());
}

TEST_CASE("a claim older than one seen acts on nothing, not even on what is gone") {
  auto guests = *Guests::open("", kNodeBytes);
  REQUIRE(guests->start({"u", "a", 5}, 10, "t").ok());
  CHECK(reason(guests->turn({"u", "a", 4}, State::kStopped)) == "compute.stale-claim");
  REQUIRE(guests->turn({"u", "a", 5}, State::kAbsent).ok());
  CHECK(reason(guests->start({"u", "a", 4}, 10, "t")) == "compute.stale-claim");
}

TEST_CASE("what does not run cannot be paused, and repeating an order changes nothing") {
  auto guests = *Guests::open("", kNodeBytes);
  CHECK(reason(guests->turn({"u", "a", 1}, State::kPaused)) == "compute.not-running");
  REQUIRE(guests->start({"u", "a", 1}, 10, "t").ok());
  const auto again = guests->start({"u", "a", 1}, 10, "t");
  REQUIRE(again.ok());
  CHECK(again->before == again->after.state);
  REQUIRE(guests->turn({"u", "a", 1}, State::kPaused).ok());
  CHECK(guests->get("u").state == State::kPaused);
}

TEST_CASE("guests outlive the driver by their journal") {
  const Journal journal;
  {
    auto guests = *Guests::open(journal.path, kNodeBytes);
    REQUIRE(guests->start({"u", "a", 3}, 60, "t").ok());
    REQUIRE(guests->start({"v", "b", 3}, 60, "t").ok());
    REQUIRE(guests->turn({"v", "b", 4}, State::kAbsent).ok());
  }
  auto guests = *Guests::open(journal.path, kNodeBytes);
  REQUIRE(guests->list().size() == 1);
  CHECK(guests->list()[0].uid == "u");
  CHECK(guests->list()[0].claim_fence == 3);
  CHECK(reason(guests->start({"w", "a", 1}, 41, "t")) == "fake.no-room");
  CHECK(reason(guests->start({"v", "b", 3}, 60, "t")) == "compute.stale-claim");
}

TEST_CASE("a journal that is not one is refused") {
  const Journal journal;
  std::ofstream(journal.path) << "2 u\n";
  const auto guests = Guests::open(journal.path, kNodeBytes);
  REQUIRE_FALSE(guests.ok());
  CHECK(guests.error().reason == "fake.journal");
}
