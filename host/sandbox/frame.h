// What goes between the host and a sandbox: one frame is one packet of a seqpacket socket.
//
//   byte  0     kind
//         1     flags: 1 = the payload is a sealed memfd, the last of the packet's descriptors; 2 = it lies in the
//         lane's
//               memory, from its first byte on
//         2-3   zero
//         4-7   size of the payload
//         8-15  lane: what the frame belongs to
//         16-   the payload, unless it is in a memfd
//
// A lane is one thread's conversation, on a socket of its own (lane_socket.h): the host enters the sandbox on a lane,
// and whatever the plugin asks of the host before it returns comes back on the same lane, to the same thread of the
// host. Lanes with the highest bit are of the plugin's own threads; those share the channel with all that is of no
// lane.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/fd.h"
#include "host/base/result.h"

namespace novacron::host::sandbox {

enum class Kind : uint8_t {
  kEnter = 1,   ///< host → sandbox: run this
  kReturn = 2,  ///< sandbox → host: what came of it
  kAsk = 3,     ///< sandbox → host: a function of nc_host
  kAnswer = 4,  ///< host → sandbox
  kLog = 5,     ///< sandbox → host: a line of log, which costs one credit
  kCredit = 6,  ///< host → sandbox: so many more lines
  kCancel = 7,  ///< host → sandbox: the call of this number is cancelled
  kPing = 8,    ///< host → sandbox
  kPong = 9,    ///< sandbox → host; first on a new lane: it is served
  kTell = 10,   ///< sandbox → host: a function of nc_host whose answer nobody waits for; on lanes alone
  kLane = 11,   ///< host → sandbox: the socket of one more lane
};

constexpr size_t kHeaderBytes = 16;
constexpr size_t kMaxInlineBytes = 64 * 1'024;           ///< a larger payload goes by memfd
constexpr size_t kMaxPayloadBytes = 64 * 1'024 * 1'024;  ///< a batch of events, each of several MiB
constexpr size_t kMaxFrameFds = 32;                      ///< a message's descriptors, and the memfd
constexpr uint64_t kOwnThreadLane = uint64_t{1} << 63;   ///< set in the lanes of a plugin's own threads

struct Frame {
  Kind kind = Kind::kPing;
  uint64_t lane = 0;
  std::string payload = {};
  std::vector<Fd> fds = {};
};

/// Never waits behind frames that are not.
inline bool is_control(Kind kind) {
  return kind >= Kind::kCredit && kind <= Kind::kPong;
}

struct Packet {
  std::string bytes;
  std::vector<Fd> fds;
};

/// The bytes in a memfd that nobody can change any more.
Result<Fd> sealed_memfd(std::string_view bytes, const std::string& name = "novacron");
/// RESOURCE_EXHAUSTED "sandbox.frame" when it is too large; an errno's error when there is no memfd for it.
Result<Packet> encode(Frame frame);
/// Of a frame whose payload has been put into the lane's memory.
Packet encode_in_memory(Frame frame);
/// `memory`: the lane's, if it has one; what is there is copied before it is looked at, since the other end may write
/// to it at any time. INVALID_ARGUMENT "sandbox.frame".
Result<Frame> decode(Packet packet, std::string_view memory = {});

}  // namespace novacron::host::sandbox
