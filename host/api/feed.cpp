#include "host/api/feed.h"

#include "host/api/event_cursor.h"

namespace novacron::host::api {

void Signal::raise() {
  std::lock_guard lock(mutex_);
  if (listener_)
    listener_();
  else
    raised_ = true;
}

void Signal::listen(std::function<void()> listener) {
  std::lock_guard lock(mutex_);
  listener_ = std::move(listener);
  if (listener_ && std::exchange(raised_, false)) listener_();
}

void append_frame(std::string& out, const FeedMessage& message, FeedFraming framing) {
  const bool is_sse = framing == FeedFraming::kServerSentEvents;
  if (is_sse && message.id != 0) out.append("id: ").append(std::to_string(message.id)).append(1, '\n');
  if (is_sse && message.cursor) out.append("id: ").append(cursor_text(*message.cursor)).append(1, '\n');
  if (is_sse) out.append("data: ");
  out.append(*message.json).append(is_sse ? "\n\n" : "\n");
}

std::string Feed::last_words(const std::string& problem) const {
  return R"({"type":"ERROR","error":)" + problem + "}";
}

}  // namespace novacron::host::api
