// What goes over a link between nodes: a greeting, then frames.
//
//   frame      u32 length of the bytes   u32 CRC-32C of them   the bytes
//   greeting   a frame: "NCLINK", u8 version, u8 lane, u64 from, u64 to, the cluster's name
//
// All numbers are little-endian. The encryption beneath protects them from others; the checksum is for what goes wrong
// in a machine's own memory.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/raft/peers.h"

namespace novacron::host::cluster {

constexpr size_t kMaxFrameBytes = 8 * 1'024 * 1'024;
constexpr size_t kMaxClusterNameBytes = 63;
constexpr uint8_t kLinkVersion = 1;

struct Greeting {
  raft::Lane lane = raft::Lane::kControl;
  raft::NodeId from = 0;
  raft::NodeId to = 0;
  std::string cluster;
};

/// Appends the frame.
void encode_frame(std::string_view bytes, std::string& out);
std::string encode_greeting(const Greeting& greeting);
/// INVALID_ARGUMENT "link.greeting" says what is wrong; FAILED_PRECONDITION "link.version".
Result<Greeting> decode_greeting(std::string_view bytes);

/// Puts frames together from what arrives. One thread.
class FrameReader final {
 public:
  void feed(std::string_view bytes);
  /// Nothing: it is not whole yet. RESOURCE_EXHAUSTED "link.frame-too-large", DATA_LOSS "link.checksum": nothing that
  /// follows can be trusted.
  Result<std::optional<std::string>> next();

 private:
  std::string bytes_;
  size_t begin_ = 0;
};

}  // namespace novacron::host::cluster
