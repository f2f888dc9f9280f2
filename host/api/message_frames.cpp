#include "host/api/message_frames.h"

#include <nlohmann/json.hpp>

namespace novacron::host::api {
namespace {

constexpr uint16_t kNoCode = 1'005;
constexpr uint16_t kGone = 1'006;
constexpr size_t kCodeBytes = 2;

uint8_t byte_at(std::string_view bytes, size_t at) {
  return static_cast<uint8_t>(bytes[at]);
}

/// RFC 6455, 7.4: those that a close frame may have.
bool may_be_sent(uint16_t code) {
  return (code >= 1'000 && code <= 1'003) || (code >= 1'007 && code <= 1'014) || (code >= 3'000 && code <= 4'999);
}

bool is_utf8(std::string_view text) {
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

}  // namespace

std::optional<MessageHead> parse_message_head(std::string_view head) {
  if (head.size() != kMessageHeadBytes) return std::nullopt;
  const auto kind = static_cast<MessageKind>(byte_at(head, 0));
  size_t size = 0;
  for (size_t i = 1; i < kMessageHeadBytes; ++i) size = size << 8 | byte_at(head, i);
  const bool is_known = kind == MessageKind::kText || kind == MessageKind::kBinary || kind == MessageKind::kEnd;
  if (!is_known || size > kMaxPluginMessageBytes) return std::nullopt;
  return MessageHead{kind, size};
}

bool is_message(const MessageFrame& message) {
  if (message.kind == MessageKind::kBinary) return true;
  if (message.kind == MessageKind::kText) return is_utf8(message.body);
  if (message.body.size() < kCodeBytes || message.body.size() > kCodeBytes + kMaxEndReasonBytes) return false;
  const auto end = parse_message_end(message.body);
  return may_be_sent(end.code) && is_utf8(end.reason);
}

MessageEnd parse_message_end(std::string_view body) {
  return {static_cast<uint16_t>(byte_at(body, 0) << 8 | byte_at(body, 1)), std::string(body.substr(kCodeBytes))};
}

std::string format_message_end(const MessageEnd& end) {
  std::string body = {static_cast<char>(end.code >> 8), static_cast<char>(end.code)};
  return body + end.reason.substr(0, kMaxEndReasonBytes);
}

MessageEnd end_of_client(uint16_t code, std::string_view reason) {
  if (code == kGone) return {kGone, ""};
  return code == 0 ? MessageEnd{kNoCode, ""} : MessageEnd{code, std::string(reason)};
}

std::string frame_message(MessageKind kind, std::string_view body) {
  std::string out = {static_cast<char>(kind)};
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(body.size() >> shift);
  out += body;
  return out;
}

}  // namespace novacron::host::api
