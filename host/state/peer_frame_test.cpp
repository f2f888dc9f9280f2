#include "host/state/peer_frame.h"

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::state;

namespace {

const SnapshotId kId{100, 7, 5'000'000, 0xdeadbeef};

std::vector<PeerFrame> one_of_each() {
  return {raft::Message{1, 2, 3, raft::ReadRequest{4}},
          Forward{"command"},
          Refused{5, {.code = Code::kUnavailable, .message = "why", .reason = "state.busy", .retry_after_ns = 6}},
          KeepLease{7, 8},
          LeaseKept{9, 10, true},
          SnapshotOffer{11, kId, {{{1, raft::MemberRole::kVoter}, {2, raft::MemberRole::kLearner}}}},
          SnapshotWanted{kId, 12},
          SnapshotChunk{kId, 13, std::string(1'000, 'x')}};
}

}  // namespace

TEST_CASE("what is cut, or of a kind that is unknown, is refused") {
  CHECK(decode_frame("").error().reason == "state.peer-frame");
  CHECK(decode_frame("\x63").error().reason == "state.peer-frame");
  for (const PeerFrame& frame : one_of_each()) {
    if (std::holds_alternative<raft::Message>(frame)) continue;  // the core's codec has tests of its own
    const std::string bytes = encode_frame(frame);
    for (size_t size = 0; size < bytes.size(); ++size)
      REQUIRE_FALSE(decode_frame(std::string_view(bytes).substr(0, size)).ok());
  }
  CHECK_FALSE(decode_frame(encode_frame(SnapshotOffer{1, {0, 1, 1, 1}, {}})).ok());
  CHECK_FALSE(decode_frame(encode_frame(SnapshotOffer{1, {uint64_t{1} << 62, 1, 1, 1}, {}})).ok());
}

TEST_CASE("every frame between engines is read as it was written, also with more behind it") {
  for (const PeerFrame& frame : one_of_each()) {
    const std::string bytes = encode_frame(frame);
    const auto read = decode_frame(bytes);
    REQUIRE(read.ok());
    CHECK(read->index() == frame.index());
    CHECK(encode_frame(*read) == bytes);
    if (!std::holds_alternative<raft::Message>(frame)) CHECK(encode_frame(*decode_frame(bytes + "later")) == bytes);
  }
}
