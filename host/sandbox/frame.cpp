#include "host/sandbox/frame.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

#include "host/sandbox/wire.h"

namespace novacron::host::sandbox {
namespace {

constexpr uint8_t kInMemfd = 1;
constexpr uint8_t kInMemory = 2;
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

Error malformed(std::string why) {
  return {Code::kInvalidArgument, std::move(why), "sandbox.frame"};
}

std::string header(Kind kind, uint8_t flags, size_t size, uint64_t lane) {
  Writer writer;
  writer.number(static_cast<uint8_t>(kind));
  writer.number(flags);
  writer.number(uint16_t{0});
  writer.number(static_cast<uint32_t>(size));
  writer.number(lane);
  return writer.take();
}

/// What is sealed neither changes nor shrinks while it is read.
Result<std::string> from_memfd(const Fd& fd, size_t size) {
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals) return malformed("a payload's memfd is not sealed");
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0 || static_cast<uint64_t>(found.st_size) != size) {
    return malformed("a payload's memfd has another size than its frame says");
  }
  if (size == 0) return std::string();
  void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd.get(), 0);
  if (mapped == MAP_FAILED) return malformed("a payload's memfd cannot be read");
  std::string bytes(static_cast<const char*>(mapped), size);
  ::munmap(mapped, size);
  return bytes;
}

}  // namespace

Result<Fd> sealed_memfd(std::string_view bytes, const std::string& name) {
  Fd fd(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return errno_error("memfd_create", errno);
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return errno_error("write a memfd", errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) return errno_error("seal a memfd", errno);
  return fd;
}

Result<Packet> encode(Frame frame) {
  const size_t size = frame.payload.size();
  if (size > kMaxPayloadBytes) return Error{Code::kResourceExhausted, "a frame is too large", "sandbox.frame"};
  Packet packet;
  packet.fds = std::move(frame.fds);
  const bool large = size > kMaxInlineBytes;
  if (large) packet.fds.push_back(TRY(sealed_memfd(frame.payload)));
  if (packet.fds.size() > kMaxFrameFds) {
    return Error{Code::kResourceExhausted, "a frame has too many descriptors", "sandbox.frame"};
  }
  packet.bytes = header(frame.kind, large ? kInMemfd : 0, size, frame.lane);
  if (!large) packet.bytes += frame.payload;
  return packet;
}

Packet encode_in_memory(Frame frame) {
  return {header(frame.kind, kInMemory, frame.payload.size(), frame.lane), std::move(frame.fds)};
}

Result<Frame> decode(Packet packet, std::string_view memory) {
  if (packet.bytes.size() < kHeaderBytes) return malformed("a frame is shorter than its header");
  Reader reader(packet.bytes);
  Frame frame;
  const auto kind = reader.number<uint8_t>();
  const auto flags = reader.number<uint8_t>();
  const auto zero = reader.number<uint16_t>();
  const auto size = reader.number<uint32_t>();
  frame.lane = reader.number<uint64_t>();
  if (kind < static_cast<uint8_t>(Kind::kEnter) || kind > static_cast<uint8_t>(Kind::kLane)) {
    return malformed("a frame of an unknown kind");
  }
  if (flags > kInMemory || zero != 0) return malformed("a frame with unknown flags");
  if (size > kMaxPayloadBytes) return malformed("a frame says that it is too large");
  frame.kind = static_cast<Kind>(kind);
  frame.fds = std::move(packet.fds);
  if (flags == 0) {
    if (packet.bytes.size() != kHeaderBytes + size) return malformed("a frame has another size than it says");
    packet.bytes.erase(0, kHeaderBytes);
    frame.payload = std::move(packet.bytes);
    return frame;
  }
  if (packet.bytes.size() != kHeaderBytes) return malformed("a frame has another size than it says");
  if (flags == kInMemory) {
    if (size > memory.size()) return malformed("a frame says that more is in its lane's memory than there is");
    frame.payload = memory.substr(0, size);
    return frame;
  }
  if (frame.fds.empty()) return malformed("a frame lacks its memfd");
  frame.payload = TRY(from_memfd(frame.fds.back(), size));
  frame.fds.pop_back();
  return frame;
}

}  // namespace novacron::host::sandbox
