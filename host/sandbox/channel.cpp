#include "host/sandbox/channel.h"

#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace novacron::host::sandbox {
namespace {

constexpr size_t kMaxPacketBytes = kHeaderBytes + kMaxInlineBytes;
constexpr size_t kControlBytes = CMSG_SPACE(sizeof(int) * kMaxFrameFds);

Error gone() {
  return {Code::kUnavailable, "the other end is gone", "sandbox.gone"};
}

void attach(msghdr& message, char* control, const std::vector<Fd>& fds) {
  if (fds.empty()) return;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
  for (size_t i = 0; i < fds.size(); ++i) {
    const int fd = fds[i].get();
    std::memcpy(CMSG_DATA(header) + i * sizeof(int), &fd, sizeof(int));
  }
}

/// Owns every descriptor that came, whatever else is wrong.
std::vector<Fd> detach(msghdr& message) {
  std::vector<Fd> fds;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      fds.emplace_back(fd);
    }
  }
  return fds;
}

}  // namespace

Result<std::unique_ptr<Channel>> Channel::create(Fd socket) {
  Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return errno_error("eventfd", errno);
  return std::make_unique<Channel>(std::move(socket), std::move(wake));
}

Sent send_packet(int socket, const Packet& packet, int flags) {
  iovec part{const_cast<char*>(packet.bytes.data()), packet.bytes.size()};
  alignas(cmsghdr) char control[kControlBytes];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  attach(message, control, packet.fds);
  while (true) {
    if (::sendmsg(socket, &message, flags | MSG_NOSIGNAL) >= 0) return Sent::kWhole;
    if (errno == EINTR) continue;
    const bool full = errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || errno == ETOOMANYREFS;
    return full ? Sent::kNotNow : Sent::kGone;
  }
}

Status Channel::send(Frame frame) {
  const bool control = is_control(frame.kind);
  Packet packet = TRY(encode(std::move(frame)));
  std::lock_guard lock(mutex_);
  auto& queue = control ? control_ : data_;
  if (control_.empty() && (control || data_.empty())) {
    const Sent sent = send_packet(socket_.get(), packet, MSG_DONTWAIT);
    if (sent == Sent::kGone) return gone();
    if (sent == Sent::kWhole) return {};
  }
  if (control_.size() + data_.size() >= kMaxWaitingFrames || waiting_bytes_ + packet.bytes.size() > kMaxWaitingBytes) {
    return Error{Code::kResourceExhausted, "the other end does not read", "sandbox.full"};
  }
  waiting_bytes_ += packet.bytes.size();
  queue.push_back(std::move(packet));
  const uint64_t one = 1;
  if (::write(wake_.get(), &one, sizeof(one)) < 0 && errno != EAGAIN) return errno_error("wake", errno);
  return {};
}

bool Channel::waiting() const {
  std::lock_guard lock(mutex_);
  return !control_.empty() || !data_.empty();
}

Status Channel::flush() {
  uint64_t ignored = 0;
  (void)!::read(wake_.get(), &ignored, sizeof(ignored));
  std::lock_guard lock(mutex_);
  while (!control_.empty() || !data_.empty()) {
    auto& queue = control_.empty() ? data_ : control_;
    const Sent sent = send_packet(socket_.get(), queue.front(), MSG_DONTWAIT);
    if (sent == Sent::kGone) return gone();
    if (sent == Sent::kNotNow) return {};
    waiting_bytes_ -= queue.front().bytes.size();
    queue.pop_front();
  }
  return {};
}

Result<Frame> Channel::receive() {
  return receive_frame(socket_.get(), buffer_.get(), MSG_DONTWAIT);
}

/// Not written to before it is used, so that it costs memory only as far as it is.
PacketBuffer make_packet_buffer() {
  return PacketBuffer(new char[kMaxPacketBytes]);
}

Result<Frame> receive_frame(int socket, char* buffer, int flags, std::string_view memory) {
  Packet packet;
  iovec part{buffer, kMaxPacketBytes};
  alignas(cmsghdr) char control[kControlBytes];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t size = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  if (size < 0) {
    if (errno == EAGAIN || errno == EINTR) return Error{Code::kDeadlineExceeded, "no frame is there", "sandbox.none"};
    return gone();
  }
  packet.fds = detach(message);
  if (size == 0) return gone();
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return Error{Code::kInvalidArgument, "a frame is too large", "sandbox.frame"};
  }
  packet.bytes.assign(buffer, static_cast<size_t>(size));
  return decode(std::move(packet), memory);
}

}  // namespace novacron::host::sandbox
