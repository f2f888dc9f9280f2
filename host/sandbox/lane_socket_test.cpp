#include "host/sandbox/lane_socket.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

using namespace novacron::host;
using namespace novacron::host::sandbox;

namespace {

/// Both ends of a lane, as host and sandbox have them.
struct Lane {
  explicit Lane(bool with_memory = true) {
    auto ends = LaneSocket::make();
    REQUIRE(ends.ok());
    auto memory = LaneMemory::make();
    REQUIRE(memory.ok());
    const auto map = [&] { return with_memory ? LaneMemory::map(*memory) : nullptr; };
    host = std::make_unique<LaneSocket>(std::move(ends->first), map());
    child = std::make_unique<LaneSocket>(std::move(ends->second), map());
    fd = std::move(*memory);
  }
  Fd fd;
  std::unique_ptr<LaneSocket> host;
  std::unique_ptr<LaneSocket> child;
};

Frame frame_of(Kind kind, std::string payload) {
  return {kind, 0, std::move(payload), {}};
}

}  // namespace

TEST_CASE("what goes over a lane comes out as it went in, with its memory and without") {
  for (const bool with_memory : {true, false}) {
    Lane lane(with_memory);
    for (const size_t size :
         {size_t{0}, size_t{1}, kMaxInlineBytes, kMaxInlineBytes + 1, kLaneMemoryBytes, kLaneMemoryBytes + 1}) {
      const std::string payload(size, 'x');
      REQUIRE(lane.host->send(frame_of(Kind::kEnter, payload)).ok());
      const auto entered = lane.child->receive();
      REQUIRE(entered.ok());
      CHECK(entered->kind == Kind::kEnter);
      CHECK(entered->payload == payload);
      REQUIRE(lane.child->send(frame_of(Kind::kReturn, payload)).ok());
      CHECK(lane.host->receive()->payload == payload);
    }
  }
}

TEST_CASE("what was told in the lane's memory is not overwritten by what follows before the other end has spoken") {
  Lane lane;
  const std::string told(kMaxInlineBytes + 1, 't');
  const std::string asked(kMaxInlineBytes + 1, 'a');
  REQUIRE(lane.child->send(frame_of(Kind::kTell, told)).ok());
  REQUIRE(lane.child->send(frame_of(Kind::kAsk, asked)).ok());
  CHECK(lane.host->receive()->payload == told);
  CHECK(lane.host->receive()->payload == asked);
}

TEST_CASE("a frame that says that more is in the lane's memory than there is is refused") {
  auto packet = encode_in_memory(frame_of(Kind::kAsk, "four"));
  CHECK(decode(std::move(packet), "abc").error().reason == "sandbox.frame");
  CHECK(decode(encode_in_memory(frame_of(Kind::kAsk, "four"))).error().reason == "sandbox.frame");
  CHECK(decode(encode_in_memory(frame_of(Kind::kAsk, "four")), "abcdefg")->payload == "abcd");
}

TEST_CASE("the memory of a lane keeps its size whatever the other end does") {
  Lane lane;
  CHECK(::ftruncate(lane.fd.get(), 0) != 0);
  CHECK(::ftruncate(lane.fd.get(), 2 * kLaneMemoryBytes) != 0);
}

TEST_CASE("who waits on a lane comes back when the other end is gone, and when the lane is shut") {
  for (const bool is_gone : {true, false}) {
    Lane lane;
    std::thread ends([&] {
      if (is_gone) {
        lane.child = nullptr;
      } else {
        lane.host->shut();
      }
    });
    CHECK(lane.host->receive().error().reason == "sandbox.gone");
    ends.join();
    CHECK(lane.host->send(frame_of(Kind::kEnter, "x")).error().reason == "sandbox.gone");
  }
}
