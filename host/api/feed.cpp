#include "host/api/feed.h"

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

std::string Feed::last_words(const std::string& problem) const {
  return R"({"type":"ERROR","error":)" + problem + "}";
}

}  // namespace novacron::host::api
