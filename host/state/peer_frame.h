// What the state engines of a cluster say to each other: the core's messages, and what goes around it. A byte says
// which, then its fields as coding.h writes them; what follows them is from a later version, and skipped.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "host/raft/types.h"
#include "host/state/engine.h"

namespace novacron::host::state {

constexpr size_t kSnapshotChunkBytes = 1'024 * 1'024;

/// To the leader: propose this command, which names its proposer.
struct Forward {
  std::string command;
};
/// Back: it was not proposed.
struct Refused {
  uint64_t token = 0;
  Error why;
};

/// To the leader, whose clock decides.
struct KeepLease {
  uint64_t token = 0;
  uint64_t lease = 0;
};
struct LeaseKept {
  uint64_t token = 0;
  uint64_t ttl_ms = 0;  ///< 0: it has ended, or who was asked does not lead
  bool leads = false;   ///< who was asked
};

/// A snapshot's file, which is the same bytes wherever these are the same.
struct SnapshotId {
  raft::Index index = 0;
  raft::Term term = 0;
  uint64_t bytes = 0;
  uint32_t checksum = 0;  ///< CRC-32C of them

  bool operator==(const SnapshotId&) const = default;
};
struct SnapshotOffer {
  raft::Term leader_term = 0;
  SnapshotId id;
  raft::Membership members;
};
/// Back: send what begins here. At the end of the file: all of it is there.
struct SnapshotWanted {
  SnapshotId id;
  uint64_t offset = 0;
};
struct SnapshotChunk {
  SnapshotId id;
  uint64_t offset = 0;
  std::string bytes;
};

using PeerFrame =
    std::variant<raft::Message, Forward, Refused, KeepLease, LeaseKept, SnapshotOffer, SnapshotWanted, SnapshotChunk>;

std::string encode_frame(const PeerFrame& frame);
/// INVALID_ARGUMENT "state.peer-frame" and those of raft::decode_message.
Result<PeerFrame> decode_frame(std::string_view bytes);

}  // namespace novacron::host::state
