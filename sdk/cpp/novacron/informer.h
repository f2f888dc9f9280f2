// A cache of one kind that follows the state, and tells what has changed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "novacron/resource.h"
#include "novacron/watcher.h"

namespace novacron {

struct InformerOptions {
  std::string tenant = {};          ///< empty: all that the plugin may see
  std::string label_selector = {};  ///< "app=web,tier!=db"
  size_t max_objects = 100'000;     ///< beyond it the plugin asks to be quarantined: half a cache is a wrong one
  uint64_t backoff_min_ns = 100'000'000;
  uint64_t backoff_max_ns = 30'000'000'000;
};

/// What all informers share: which keys have changed, and who is told. Handlers run on a worker of the plugin.
class ChangeFeed {
 public:
  using Handler = std::function<void(const ResourceKey& key)>;

  explicit ChangeFeed(Host& host) : shared_(std::make_shared<Shared>(host)) {}
  ~ChangeFeed() { close(); }  // a task that comes later finds it closed
  ChangeFeed(const ChangeFeed&) = delete;
  ChangeFeed& operator=(const ChangeFeed&) = delete;

  void on_change(Handler handler);
  void changed(const std::vector<ResourceKey>& keys);
  void open();
  /// What was not told yet is told after the next open().
  void close();

 private:
  struct Shared {
    explicit Shared(Host& h) : host(h) {}
    Host& host;
    std::mutex mutex;
    std::vector<Handler> handlers;
    std::set<ResourceKey> pending;
    bool is_posted = false;
    bool is_open = true;
  };
  void post();
  static void deliver(Shared& shared);

  std::shared_ptr<Shared> shared_;  // a task that is posted already may outlive the feed
};

/// A cached, resumable watch. [any] thread. Objects are immutable and shared: reading costs no copy.
///
/// It is level-triggered: a handler learns a key, not a change, and looks the object up; several changes may be told
/// once. After a relist only what differs is told. Register handlers before start().
template <ResourceKind K>
class Informer final : public Background, private WatchSink {
 public:
  using Pointer = std::shared_ptr<const Resource<K>>;

  explicit Informer(Host& host, InformerOptions options = {})
      : host_(host),
        options_(std::move(options)),
        client_(host, &writes_),
        feed_(host),
        watcher_(host,
                 {.kind = std::string(K::kKind),
                  .tenant = options_.tenant,
                  .label_selector = options_.label_selector,
                  .backoff_min_ns = options_.backoff_min_ns,
                  .backoff_max_ns = options_.backoff_max_ns},
                 *this) {
    host_.add(*this);
  }
  ~Informer() override {
    host_.remove(*this);
    stop();
  }

  /// Idempotent; call it in Plugin::start().
  void start() {
    feed_.open();
    watcher_.start();
  }
  void stop() override {
    watcher_.stop();
    feed_.close();
  }

  /// `handler` runs on a worker of the plugin, for each key whose object has come, changed or gone.
  void on_change(ChangeFeed::Handler handler) { feed_.on_change(std::move(handler)); }
  /// `handler` runs on the informer's own thread whenever the cache has moved on: be quick.
  void on_progress(std::function<void()> handler) { on_progress_.push_back(std::move(handler)); }

  /// Writes through this client are known to is_current().
  const ResourceClient<K>& client() const { return client_; }

  /// Null: there is none, as of revision().
  Pointer get(const ResourceKey& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->second;
  }
  std::vector<Pointer> list() const {
    const std::lock_guard lock(mutex_);
    std::vector<Pointer> out;
    out.reserve(objects_.size());
    for (const auto& [key, object] : objects_) out.push_back(object);
    return out;
  }
  /// Has the first list arrived? Before, that an object is missing means nothing.
  bool is_synced() const {
    const std::lock_guard lock(mutex_);
    return is_synced_;
  }
  uint64_t revision() const {
    const std::lock_guard lock(mutex_);
    return revision_;
  }
  /// Whether the cache has what this plugin wrote to the object last.
  bool is_current(const ResourceKey& key) const { return is_synced() && revision() >= writes_.last(key); }

 private:
  void replace(std::vector<core::v1::Object> objects, uint64_t revision) override {
    std::map<ResourceKey, Pointer> fresh;
    for (const auto& object : objects) {
      if (Pointer pointer = decoded(object)) fresh.insert_or_assign(key_of(pointer->metadata), std::move(pointer));
    }
    if (!fits(fresh.size())) return;
    std::vector<ResourceKey> keys;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [key, object] : objects_) {
        if (fresh.count(key) == 0) keys.push_back(key);
      }
      for (const auto& [key, object] : fresh) {
        const auto old = objects_.find(key);
        if (old == objects_.end() || old->second->metadata.revision != object->metadata.revision) keys.push_back(key);
      }
      objects_.swap(fresh);
      is_synced_ = true;
    }
    moved_on(keys, revision);
  }

  void apply(const core::v1::WatchEvent& event) override {
    std::vector<ResourceKey> keys;
    if (event.object && event.object->metadata) {
      keys.push_back(key_of(*event.object->metadata));
      Pointer pointer = event.type == core::v1::WatchEvent::Type::kPut ? decoded(*event.object) : nullptr;
      const std::lock_guard lock(mutex_);
      if (pointer != nullptr) {
        objects_.insert_or_assign(keys.front(), std::move(pointer));
      } else if (event.type == core::v1::WatchEvent::Type::kDeleted) {
        objects_.erase(keys.front());
      }
      if (!fits(objects_.size())) return;
    }
    moved_on(keys, event.revision);
  }

  void moved_on(const std::vector<ResourceKey>& keys, uint64_t revision) {
    {
      const std::lock_guard lock(mutex_);
      revision_ = std::max(revision_, revision);
    }
    writes_.forget(revision);
    feed_.changed(keys);
    for (const auto& handler : on_progress_) handler();
  }

  Pointer decoded(const core::v1::Object& object) const {
    auto resource = resource_of<K>(object);
    if (resource.ok()) return std::make_shared<const Resource<K>>(*std::move(resource));
    host_.error("object not understood", {{"kind", K::kKind},
                                          {"name", object.metadata ? object.metadata->name : std::string()},
                                          {"error", resource.error().message}});
    return nullptr;
  }

  bool fits(size_t objects) const {
    if (objects <= options_.max_objects) return true;
    host_.fatal(std::string(K::kKind) + ": more than " + std::to_string(options_.max_objects) + " objects to cache");
    return false;
  }

  Host& host_;
  const InformerOptions options_;
  WriteLog writes_;
  const ResourceClient<K> client_;
  ChangeFeed feed_;
  std::vector<std::function<void()>> on_progress_;
  mutable std::mutex mutex_;
  std::map<ResourceKey, Pointer> objects_;
  uint64_t revision_ = 0;
  bool is_synced_ = false;
  Watcher watcher_;  // the last: its thread uses all of the above
};

}  // namespace novacron
