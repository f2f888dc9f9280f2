// The socket of one lane. Its two ends take turns, so who sends or receives blocks until the other end has done its
// part, or is gone: nothing but the kernel is between the thread that asks and the one that answers.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "host/sandbox/channel.h"

namespace novacron::host::sandbox {

constexpr size_t kLaneMemoryBytes = (4 * 1'024 + 64) * 1'024;  ///< the largest message, and what is around it

/// Memory that both ends of a lane have, for payloads that no packet holds: pages for a new memfd each time cost more
/// than all else that a large call does. It keeps its size whatever the other end does, and its pages until the end.
class LaneMemory final {
 public:
  /// A memfd for it.
  static Result<Fd> make();
  /// Null: it cannot be had.
  static std::unique_ptr<LaneMemory> map(const Fd& fd);
  explicit LaneMemory(char* at) : at_(at) {}
  LaneMemory(const LaneMemory&) = delete;
  LaneMemory& operator=(const LaneMemory&) = delete;
  ~LaneMemory();
  void put(std::string_view bytes);
  std::string_view view() const { return {at_, kLaneMemoryBytes}; }

 private:
  char* const at_;
};

class LaneSocket final {
 public:
  /// `memory`: null: it has none.
  explicit LaneSocket(Fd socket, std::unique_ptr<LaneMemory> memory = nullptr)
      : socket_(std::move(socket)), memory_(std::move(memory)) {}
  /// Both ends.
  static Result<std::pair<Fd, Fd>> make();

  /// UNAVAILABLE "sandbox.gone"; RESOURCE_EXHAUSTED "sandbox.frame".
  Status send(Frame frame);
  /// UNAVAILABLE "sandbox.gone"; INVALID_ARGUMENT "sandbox.frame".
  Result<Frame> receive();
  /// [any] thread: whoever receives or sends at either end comes back, now and from now on.
  void shut() const;

 private:
  Result<Packet> packet_of(Frame frame);

  const Fd socket_;
  const std::unique_ptr<LaneMemory> memory_;
  bool told_in_memory_ = false;  ///< since the other end has spoken: it may not have taken it yet
  const PacketBuffer buffer_ = make_packet_buffer();
};

}  // namespace novacron::host::sandbox
