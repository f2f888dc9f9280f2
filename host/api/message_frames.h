// Messages of a WebSocket on a plugin's stream socket, framed as novacron.http.v1 says: a byte of kind, four of length
// in network order, the message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace novacron::host::api {

inline constexpr size_t kMessageHeadBytes = 5;
inline constexpr size_t kMaxPluginMessageBytes = 1'048'576;
inline constexpr size_t kMaxEndReasonBytes = 123;  ///< RFC 6455's limit for control frames, less the code

enum class MessageKind : uint8_t { kText = 1, kBinary = 2, kEnd = 8 };

struct MessageHead {
  MessageKind kind;
  size_t size;
};

struct MessageFrame {
  MessageKind kind;
  std::string body;
};

struct MessageEnd {
  uint16_t code = 0;
  std::string reason = {};
};

/// Of kMessageHeadBytes. None: no such kind, or longer than a plugin's message may be.
std::optional<MessageHead> parse_message_head(std::string_view head);
/// A text is UTF-8, an end has a code that may be sent and a reason that fits.
bool is_message(const MessageFrame& message);
/// Of an end that is_message().
MessageEnd parse_message_end(std::string_view body);
std::string format_message_end(const MessageEnd& end);
/// What a client's close frame says: 1005 where it has no code; 1006 is that of a client without one.
MessageEnd end_of_client(uint16_t code, std::string_view reason);

std::string frame_message(MessageKind kind, std::string_view body);

}  // namespace novacron::host::api
