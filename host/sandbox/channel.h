// The socket between the host and a sandbox. Senders never block: what the kernel does not take waits here, frames of
// control before others, until the one thread that receives sends it on.
#pragma once

#include <deque>
#include <memory>
#include <mutex>

#include "host/sandbox/frame.h"

namespace novacron::host::sandbox {

constexpr size_t kMaxWaitingFrames = 4'096;              ///< in a channel; the other end does not read, then
constexpr size_t kMaxWaitingBytes = 64 * 1'024 * 1'024;  ///< likewise

enum class Sent { kWhole, kNotNow, kGone };
/// `flags` of sendmsg: with MSG_DONTWAIT it may be kNotNow.
Sent send_packet(int socket, const Packet& packet, int flags);
/// Room for one packet.
using PacketBuffer = std::unique_ptr<char[]>;
PacketBuffer make_packet_buffer();
/// As Channel::receive(); `flags` of recvmsg.
Result<Frame> receive_frame(int socket, char* buffer, int flags, std::string_view memory = {});

class Channel final {
 public:
  explicit Channel(Fd socket, Fd wake) : socket_(std::move(socket)), wake_(std::move(wake)) {}
  static Result<std::unique_ptr<Channel>> create(Fd socket);

  /// [any] thread. UNAVAILABLE "sandbox.gone"; RESOURCE_EXHAUSTED "sandbox.full": the other end does not read.
  Status send(Frame frame);

  // For the thread that receives.
  int socket() const { return socket_.get(); }
  /// Readable when there is something to send on.
  int wake() const { return wake_.get(); }
  bool waiting() const;
  /// Sends on what waits, as far as the kernel takes it.
  Status flush();
  /// One frame; without blocking: DEADLINE_EXCEEDED when there is none. UNAVAILABLE "sandbox.gone": the other end is
  /// closed; INVALID_ARGUMENT "sandbox.frame".
  Result<Frame> receive();

 private:
  const Fd socket_;
  const Fd wake_;
  const PacketBuffer buffer_ = make_packet_buffer();  ///< of receive()
  mutable std::mutex mutex_;
  std::deque<Packet> control_;
  std::deque<Packet> data_;
  size_t waiting_bytes_ = 0;
};

}  // namespace novacron::host::sandbox
