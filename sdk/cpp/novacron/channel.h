// Messages of a call as the ABI moves them: bytes and descriptors. Streams and calls are made of these.
#pragma once

#include <novacron/plugin.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "novacron/fd.h"
#include "novacron/result.h"

namespace novacron {

inline std::string_view view(nc_str text) {
  return {text.ptr, text.len};
}
inline nc_str str(std::string_view text) {
  return {text.data(), text.size()};
}

/// A received message. Owns its descriptors, and its bytes as long as the ABI lets it: until the next use of the same
/// call.
class Incoming {
 public:
  explicit Incoming(const nc_message& raw);
  Incoming(Incoming&& other) noexcept;
  Incoming& operator=(Incoming&&) = delete;
  ~Incoming();

  std::string_view body() const { return {static_cast<const char*>(body_.ptr), body_.len}; }
  Fds take_fds() { return std::exchange(fds_, {}); }
  bool is_last() const { return is_last_; }
  /// The end alone, without a message: last, no bytes at all, no descriptors. (An empty message has a pointer.)
  bool is_bare_end() const { return is_last_ && body_.ptr == nullptr && fds_.empty(); }

 private:
  nc_buf body_;
  Fds fds_;
  bool is_last_;
};

/// No further message, and none now.
struct BareEnd {};

/// A message to send. Bodies above kGiveAway bytes are handed over, not copied.
class Outgoing {
 public:
  static constexpr size_t kGiveAway = 4096;

  explicit Outgoing(std::string body, Fds fds = {}, uint32_t flags = 0);
  explicit Outgoing(BareEnd);
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;

  /// For exactly one ABI function, which consumes the descriptors whatever it returns.
  const nc_message* pass();

 private:
  nc_message raw_{};
  std::optional<std::string> body_;
  Fds fds_;
};

/// More descriptors than a message can carry (NC_FDS_MAX).
Status check_fds(const Fds& fds);

/// One end of a call, for reading and writing. Borrows the call.
class Channel {
 public:
  Channel(const nc_host* host, nc_call call, uint64_t deadline_ns)
      : host_(host), call_(call), deadline_ns_(deadline_ns) {}

  /// The next message; nothing at the end. Blocks up to the call's deadline.
  Result<std::optional<Incoming>> read();
  /// DEADLINE_EXCEEDED: the other side takes nothing; CANCELLED: stop.
  Status write(Outgoing& message);

  const nc_host* host() const { return host_; }
  nc_call call() const { return call_; }
  uint64_t deadline_ns() const { return deadline_ns_; }

 private:
  const nc_host* host_;
  nc_call call_;
  uint64_t deadline_ns_;
  bool ended_ = false;
};

}  // namespace novacron
