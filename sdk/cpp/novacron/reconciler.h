// A queue of keys to bring from what they are to what they should be.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "novacron/host.h"
#include "novacron/informer.h"
#include "novacron/resource.h"

namespace novacron {

struct ReconcilerOptions {
  uint32_t workers = 1;  ///< keys at the same time; more than one needs a plugin that is NC_PLUGIN_REENTRANT
  size_t max_keys = 100'000;
  uint64_t backoff_min_ns = 100'000'000;  ///< after a key's first failure; doubled by each one that follows
  uint64_t backoff_max_ns = 60'000'000'000;
  uint64_t stop_timeout_ns = 10'000'000'000;  ///< how long stop() waits for what runs
};

/// When to come back to a key without a change. 0: never.
struct Again {
  uint64_t after_ns = 0;
};

/// Runs a function for each key that was added, on workers of the plugin: a key is queued at most once, and never runs
/// beside itself; added while it runs, it runs again. A failure is tried again with growing delay, or after the error's
/// own advice. A key waits until the informers that are followed have the plugin's own last write to it. [any] thread.
///
///   Reconciler reconciler(host, [this](const ResourceKey& key) { return reconcile(key); });
///   reconciler.follow(machines);   // an Informer: changed keys are added
class Reconciler final : public Background {
 public:
  using Function = std::function<Result<Again>(const ResourceKey& key)>;

  Reconciler(Host& host, Function reconcile, ReconcilerOptions options = {});
  ~Reconciler() override;

  /// Before the informer starts. The informer must have stopped when this ends; the SDK stops both before a plugin's
  /// end.
  template <ResourceKind K>
  void follow(Informer<K>& informer) {
    informer.on_change([this](const ResourceKey& key) { add(key); });
    informer.on_progress([this] { wake(); });
    add_gate([&informer](const ResourceKey& key) { return informer.is_current(key); });
  }

  /// False: there are max_keys already.
  bool add(const ResourceKey& key);
  void add_after(const ResourceKey& key, uint64_t delay_ns);

  /// Idempotent; call it in Plugin::start(). Keys that wait from before stop() are taken up again.
  void start();
  void stop() override;

  /// Keys that wait, run, or wait for their next try.
  size_t size() const;

 private:
  enum class State { kQueued, kRunning, kRunningAndAdded, kDelayed };
  struct Entry {
    State state = State::kQueued;
    uint32_t failures = 0;
    uint64_t due_ns = 0;  ///< of kDelayed; of kRunning: come back then at the latest. 0: none
  };
  using Gate = std::function<bool(const ResourceKey&)>;
  struct Alive {
    std::mutex mutex;
    Reconciler* self;
  };

  void add_gate(Gate gate) { gates_.push_back(std::move(gate)); }
  void wake() { post_workers(); }
  void post_workers();
  void work();
  bool take(ResourceKey& key);
  void run(const ResourceKey& key);
  void done(const ResourceKey& key, const Result<Again>& result);
  void enqueue(const ResourceKey& key, Entry& entry);
  void arm(const ResourceKey& key, Entry& entry, uint64_t due_ns);
  void due(const ResourceKey& key);
  bool is_open(const ResourceKey& key) const;
  uint64_t backoff_ns(const Error& error, uint32_t failures) const;
  bool post(std::function<void(Reconciler&)> task, uint64_t delay_ns);
  bool enter(uint64_t epoch);
  void leave();

  Host& host_;
  const Function reconcile_;
  const ReconcilerOptions options_;
  std::vector<Gate> gates_;
  const std::shared_ptr<Alive> alive_;  // tasks and timers find out by it that their reconciler has gone

  mutable std::mutex mutex_;
  std::condition_variable idle_;
  std::map<ResourceKey, Entry> entries_;
  std::deque<ResourceKey> queue_;  // the keys of kQueued
  uint64_t epoch_ = 0;             // grows with each start(): tasks from before are stale
  uint32_t posted_ = 0;            // tasks on their way that will take a key
  uint32_t entered_ = 0;           // tasks that run
  bool is_started_ = false;
};

}  // namespace novacron
