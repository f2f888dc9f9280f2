#include "novacron/informer.h"

namespace novacron {

void ChangeFeed::on_change(Handler handler) {
  const std::lock_guard lock(shared_->mutex);
  shared_->handlers.push_back(std::move(handler));
}

void ChangeFeed::open() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->is_open = true;
    shared_->is_posted = false;  // a task from before close() went with the plugin's timers
  }
  post();
}

void ChangeFeed::close() {
  const std::lock_guard lock(shared_->mutex);
  shared_->is_open = false;
}

void ChangeFeed::changed(const std::vector<ResourceKey>& keys) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (!shared_->handlers.empty()) shared_->pending.insert(keys.begin(), keys.end());
  }
  post();
}

void ChangeFeed::post() {
  {
    const std::lock_guard lock(shared_->mutex);
    if (!shared_->is_open || shared_->pending.empty() || std::exchange(shared_->is_posted, true)) return;
  }
  if (shared_->host.post([shared = shared_] { deliver(*shared); }) != 0) return;
  const std::lock_guard lock(shared_->mutex);
  shared_->is_posted = false;  // refused: the next change tries again
}

void ChangeFeed::deliver(Shared& shared) {
  std::set<ResourceKey> keys;
  std::vector<Handler> handlers;
  {
    const std::lock_guard lock(shared.mutex);
    shared.is_posted = false;
    if (!shared.is_open) return;
    keys.swap(shared.pending);
    handlers = shared.handlers;
  }
  for (const ResourceKey& key : keys) {
    for (const Handler& handler : handlers) handler(key);
  }
}

}  // namespace novacron
