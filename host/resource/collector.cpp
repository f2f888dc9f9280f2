#include "host/resource/collector.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "host/base/log.h"
#include "host/resource/keys.h"
#include "host/state/engine.h"

namespace novacron::host::resource {

namespace {
/// What wakes the loop; shared with the engine's callbacks.
struct Bell {
  std::mutex mutex;
  std::condition_variable rung;
  bool work = true;  ///< what an earlier run of the host left
  bool watching = false;
  bool stop = false;

  void ring() {
    {
      const std::lock_guard lock(mutex);
      work = true;
    }
    rung.notify_all();
  }
};
}  // namespace

class Collector::Loop {
 public:
  Loop(Store& store, state::Engine& engine, Options options)
      : store_(store), engine_(engine), options_(options), thread_([this] { run(); }) {}

  ~Loop() {
    {
      const std::lock_guard lock(bell_->mutex);
      bell_->stop = true;
    }
    bell_->rung.notify_all();
    thread_.join();
    engine_.unwatch(watch_);
  }

 private:
  using Time = std::chrono::steady_clock::time_point;

  void run() {
    Time expire_at = std::chrono::steady_clock::now();
    Time sweep_at = expire_at;
    while (true) {
      watch();
      if (!wait_for_work()) return;
      const auto collected = store_.collect_dependents();
      if (!collected.ok()) warn(collected.error());
      const Time now = std::chrono::steady_clock::now();
      if (now >= expire_at) {
        expire_at = now + std::chrono::milliseconds(options_.expire_ms);
        const auto expired = store_.expire();
        if (!expired.ok()) warn(expired.error());
      }
      if (now >= sweep_at) {
        sweep_at = now + std::chrono::milliseconds(options_.sweep_ms);
        const auto swept = sweep();
        if (!swept.ok()) warn(swept.error());
      }
    }
  }

  Status sweep() {
    if (!options_.sweep_blobs) return {};
    return options_.sweep_blobs(TRY(store_.live_blobs()));
  }

  static void warn(const Error& error) { log_warn("resource", "collection stopped early", {{"error", error.message}}); }

  /// At a bell, or to try again; false: stop.
  bool wait_for_work() {
    std::unique_lock lock(bell_->mutex);
    bell_->rung.wait_for(lock, std::chrono::milliseconds(options_.retry_ms),
                         [this] { return bell_->work || bell_->stop; });
    bell_->work = false;
    return !bell_->stop;
  }

  /// Starts the watch of what is to be collected, unless it runs.
  void watch() {
    {
      const std::lock_guard lock(bell_->mutex);
      if (bell_->watching) return;
      bell_->watching = true;
    }
    state::WatchCallbacks callbacks;
    callbacks.on_changes = [bell = bell_](state::Revision, const std::vector<state::Event>& events) {
      for (const auto& event : events) {
        if (!event.removed()) return bell->ring();
      }
    };
    callbacks.on_end = [bell = bell_](const Error&) {
      const std::lock_guard lock(bell->mutex);
      bell->watching = false;
    };
    state::WatchRequest request;
    request.keys = state::KeyRange::prefix(kGcPrefix);
    watch_ = engine_.watch(std::move(request), std::move(callbacks));
  }

  Store& store_;
  state::Engine& engine_;
  const Options options_;
  std::shared_ptr<Bell> bell_ = std::make_shared<Bell>();
  state::WatchId watch_ = 0;
  std::thread thread_;
};

Collector::Collector(Store& store, state::Engine& engine, Options options)
    : loop_(std::make_unique<Loop>(store, engine, options)) {}
Collector::~Collector() = default;

}  // namespace novacron::host::resource
