#include "guest_state.h"

#include <libvirt/libvirt.h>

#include <catch2/catch.hpp>

#include "board.h"
#include "busy.h"
#include "probe.h"

using namespace novacron;
using namespace novacron::kvm;
using novacron::compute::v1::GuestStatus;
using State = GuestStatus::State;

namespace {

GuestStatus state_of(int state, int reason) {
  GuestStatus status;
  set_state(state, reason, status);
  return status;
}

GuestStatus status(const std::string& uid, State state) {
  GuestStatus status;
  status.uid = uid;
  status.state = state;
  return status;
}

}  // namespace

TEST_CASE("libvirt's states are said in the contract's words") {
  CHECK(state_of(VIR_DOMAIN_RUNNING, 0).state == State::kRunning);
  CHECK(state_of(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER).state == State::kPaused);
  CHECK(state_of(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_STARTING_UP).state == State::kStopped);
  CHECK(state_of(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR).reason == "compute.disk-error");
  CHECK(state_of(VIR_DOMAIN_SHUTDOWN, 0).state == State::kStopping);
  CHECK(state_of(VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_SHUTDOWN).state == State::kStopped);
  CHECK(state_of(VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_CRASHED).state == State::kCrashed);
  CHECK(state_of(VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_CRASHED).reason == "compute.guest-crashed");
}

TEST_CASE("a change of state has its event, or none") {
  CHECK(std::string(event_of(State::kStopped, State::kRunning)) == "guest.started");
  CHECK(std::string(event_of(State::kPaused, State::kRunning)) == "guest.resumed");
  CHECK(std::string(event_of(State::kRunning, State::kPaused)) == "guest.paused");
  CHECK(std::string(event_of(State::kStopping, State::kStopped)) == "guest.stopped");
  CHECK(std::string(event_of(State::kRunning, State::kCrashed)) == "guest.crashed");
  CHECK(std::string(event_of(State::kStopped, State::kAbsent)) == "guest.deleted");
  CHECK(std::string(event_of(State::kRunning, State::kStopping)).empty());
  CHECK(std::string(event_of(State::kAbsent, State::kStopped)).empty());
  CHECK(std::string(event_of(State::kRunning, State::kRunning)).empty());
}

TEST_CASE("the first look at a guest is no change, the next that differs is") {
  Board board;
  CHECK_FALSE(board.set(status("a", State::kRunning)));
  CHECK_FALSE(board.set(status("a", State::kRunning)));
  const auto before = board.set(status("a", State::kStopped));
  REQUIRE(before);
  CHECK(before->state == State::kRunning);
}

TEST_CASE("a slow watcher misses states in between, never the last") {
  Board board;
  board.set(status("a", State::kRunning));
  board.set(status("b", State::kRunning));
  const auto first = board.after(0, 0);
  CHECK(first.guests.size() == 2);
  board.set(status("a", State::kPaused));
  board.set(status("a", State::kStopped));
  const auto next = board.after(first.version, 0);
  REQUIRE(next.guests.size() == 1);
  CHECK(next.guests[0].state == State::kStopped);
  CHECK(board.after(next.version, 0).guests.empty());
}

TEST_CASE("guests that are gone are remembered up to a limit") {
  Board board;
  for (int i = 0; i < 1030; ++i) board.set(status(std::to_string(i), State::kAbsent));
  CHECK(board.after(0, 0).guests.size() == 1024);
  CHECK_FALSE(board.get("0"));
  CHECK(board.get("1029"));
}

TEST_CASE("waiting ends with the state or with its time") {
  Board board;
  board.set(status("a", State::kStopped));
  CHECK(board.wait(
      "a", [](const GuestStatus& s) { return s.state == State::kStopped; }, 0));
  CHECK_FALSE(board.wait(
      "a", [](const GuestStatus& s) { return s.state == State::kRunning; }, 1));
  CHECK_FALSE(board.wait(
      "b", [](const GuestStatus&) { return true; }, 1));
}

TEST_CASE("one call a guest at a time") {
  Busy busy;
  {
    const auto first = busy.enter("a", 0);
    REQUIRE(first.ok());
    CHECK(busy.enter("b", 0).ok());
    CHECK(busy.enter("a", 1).error().reason == "compute.guest-busy");
  }
  CHECK(busy.enter("a", 0).ok());
}

TEST_CASE("virtualization is a flag of its own") {
  CHECK(has_virtualization("processor : 0\nflags\t\t: fpu vmx sse\n"));
  CHECK(has_virtualization("flags\t\t: fpu svm\n"));
  CHECK_FALSE(has_virtualization("flags\t\t: fpu vmmcall svme_addr_chk\nmodel name : svm vmx\n"));
  CHECK_FALSE(has_virtualization(""));
}
