#include "host/cluster/frames.h"

#include <cassert>
#include <cstring>

#include "host/base/crc32c.h"

namespace novacron::host::cluster {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format between nodes is little-endian");

constexpr std::string_view kMagic = "NCLINK";
constexpr size_t kHeaderBytes = 8;
constexpr size_t kGreetingBytes = kMagic.size() + 2 + 16;  // and the name

template <class Number>
void put(std::string& out, Number value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

template <class Number>
Number take(std::string_view& bytes) {
  Number value;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

Error no_greeting(const char* why) {
  return {Code::kInvalidArgument, std::string("who connected did not greet as a node does: ") + why, "link.greeting"};
}

}  // namespace

void encode_frame(std::string_view bytes, std::string& out) {
  assert(bytes.size() <= kMaxFrameBytes);
  put(out, static_cast<uint32_t>(bytes.size()));
  put(out, crc32c(bytes));
  out.append(bytes);
}

std::string encode_greeting(const Greeting& greeting) {
  std::string out(kMagic);
  put(out, kLinkVersion);
  put(out, static_cast<uint8_t>(greeting.lane));
  put(out, greeting.from);
  put(out, greeting.to);
  return out + greeting.cluster;
}

Result<Greeting> decode_greeting(std::string_view bytes) {
  if (bytes.size() < kGreetingBytes || !bytes.starts_with(kMagic)) return no_greeting("these are other bytes");
  bytes.remove_prefix(kMagic.size());
  const auto version = take<uint8_t>(bytes);
  if (version != kLinkVersion)
    return Error{Code::kFailedPrecondition,
                 "a node speaks version " + std::to_string(version) + " of the link, this one version " +
                     std::to_string(kLinkVersion),
                 "link.version"};
  const auto lane = take<uint8_t>(bytes);
  if (lane > static_cast<uint8_t>(raft::Lane::kBulk)) return no_greeting("there is no such lane");
  Greeting greeting;
  greeting.lane = static_cast<raft::Lane>(lane);
  greeting.from = take<raft::NodeId>(bytes);
  greeting.to = take<raft::NodeId>(bytes);
  if (greeting.from == 0 || greeting.to == 0) return no_greeting("0 is no node");
  if (bytes.size() > kMaxClusterNameBytes) return no_greeting("the cluster's name is too long");
  greeting.cluster = bytes;
  return greeting;
}

void FrameReader::feed(std::string_view bytes) {
  if (begin_ > 0) {
    bytes_.erase(0, begin_);
    begin_ = 0;
  }
  bytes_.append(bytes);
}

Result<std::optional<std::string>> FrameReader::next() {
  std::string_view rest = std::string_view(bytes_).substr(begin_);
  if (rest.size() < kHeaderBytes) return std::optional<std::string>();
  const auto length = take<uint32_t>(rest);
  const auto checksum = take<uint32_t>(rest);
  if (length > kMaxFrameBytes)
    return Error{Code::kResourceExhausted, "a frame between nodes has at most 8 MiB", "link.frame-too-large"};
  if (rest.size() < length) return std::optional<std::string>();
  const std::string_view bytes = rest.substr(0, length);
  if (crc32c(bytes) != checksum) return Error{Code::kDataLoss, "a frame was damaged on its way", "link.checksum"};
  begin_ += kHeaderBytes + length;
  return std::optional<std::string>(bytes);
}

}  // namespace novacron::host::cluster
