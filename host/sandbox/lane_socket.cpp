#include "host/sandbox/lane_socket.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace novacron::host::sandbox {

Result<std::pair<Fd, Fd>> LaneSocket::make() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return errno_error("socketpair", errno);
  return std::make_pair(Fd(ends[0]), Fd(ends[1]));
}

Result<Fd> LaneMemory::make() {
  Fd fd(::memfd_create("novacron-lane", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return errno_error("memfd_create", errno);
  if (::ftruncate(fd.get(), kLaneMemoryBytes) != 0) return errno_error("size a memfd", errno);
  // Who made it shorter would end the other process by its next look.
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return errno_error("seal a memfd", errno);
  return fd;
}

std::unique_ptr<LaneMemory> LaneMemory::map(const Fd& fd) {
  void* const at = ::mmap(nullptr, kLaneMemoryBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  return at == MAP_FAILED ? nullptr : std::make_unique<LaneMemory>(static_cast<char*>(at));
}

LaneMemory::~LaneMemory() {
  ::munmap(at_, kLaneMemoryBytes);
}

void LaneMemory::put(std::string_view bytes) {
  std::memcpy(at_, bytes.data(), bytes.size());
}

Result<Packet> LaneSocket::packet_of(Frame frame) {
  const size_t size = frame.payload.size();
  const bool in_memory = memory_ && !told_in_memory_ && size > kMaxInlineBytes && size <= kLaneMemoryBytes;
  if (!in_memory || frame.fds.size() > kMaxFrameFds) return encode(std::move(frame));
  told_in_memory_ = frame.kind == Kind::kTell;
  memory_->put(frame.payload);
  return encode_in_memory(std::move(frame));
}

Status LaneSocket::send(Frame frame) {
  const Packet packet = TRY(packet_of(std::move(frame)));
  switch (send_packet(socket_.get(), packet, 0)) {
    case Sent::kWhole:
      return {};
    case Sent::kNotNow:
      return Error{Code::kResourceExhausted, "the kernel takes no frame now", "sandbox.frame"};
    case Sent::kGone:
      break;
  }
  return Error{Code::kUnavailable, "the other end is gone", "sandbox.gone"};
}

Result<Frame> LaneSocket::receive() {
  while (true) {
    auto frame = receive_frame(socket_.get(), buffer_.get(), 0, memory_ ? memory_->view() : std::string_view());
    if (frame.code() == Code::kDeadlineExceeded) continue;  // it was interrupted
    told_in_memory_ = false;
    return frame;
  }
}

void LaneSocket::shut() const {
  ::shutdown(socket_.get(), SHUT_RDWR);
}

}  // namespace novacron::host::sandbox
