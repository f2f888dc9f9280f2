// Messages of a plugin on its socket: what is let through may go into a WebSocket as it is.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/api/message_frames.h"

using namespace novacron::host::api;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_message(const MessageFrame& message) {
  if (!is_message(message)) return;
  const std::string framed = frame_message(message.kind, message.body);
  const auto head = parse_message_head(std::string_view(framed).substr(0, kMessageHeadBytes));
  require(head && head->kind == message.kind && head->size == message.body.size());
  if (message.kind != MessageKind::kEnd) return;
  const auto end = parse_message_end(message.body);
  require(end.code >= 1'000 && end.code < 5'000 && end.code != 1'005 && end.code != 1'006);
  require(end.reason.size() <= kMaxEndReasonBytes && format_message_end(end) == message.body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (rest.size() >= kMessageHeadBytes) {
    const auto head = parse_message_head(rest.substr(0, kMessageHeadBytes));
    if (!head) return 0;
    require(head->size <= kMaxPluginMessageBytes);
    rest.remove_prefix(kMessageHeadBytes);
    check_message({head->kind, std::string(rest.substr(0, head->size))});
    rest.remove_prefix(std::min(head->size, rest.size()));
  }
  return 0;
}
