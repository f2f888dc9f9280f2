// Follows one kind: lists it, watches after the list's revision, and starts over when the history is gone.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "novacron/core/v1/resource.nc.h"
#include "novacron/host.h"

namespace novacron {

struct WatcherOptions {
  std::string kind = {};
  std::string tenant = {};
  std::string label_selector = {};
  uint64_t backoff_min_ns = 100'000'000;  ///< after a failure; doubled by each one that follows, and jittered
  uint64_t backoff_max_ns = 30'000'000'000;
};

/// Where the watcher's thread delivers.
class WatchSink {
 public:
  virtual ~WatchSink() = default;
  /// All objects there are, as of `revision`.
  virtual void replace(std::vector<core::v1::Object> objects, uint64_t revision) = 0;
  /// One change. A bookmark has no object.
  virtual void apply(const core::v1::WatchEvent& event) = 0;
};

/// A thread of the plugin's own, because a stream is read by blocking and the slot is for the plugin's calls.
class Watcher {
 public:
  Watcher(const Host& host, WatcherOptions options, WatchSink& sink);
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  ~Watcher() { stop(); }

  /// Idempotent. After stop() it goes on where it was.
  void start();
  /// Idempotent. Nothing is delivered when it returns.
  void stop();

 private:
  void run();
  Status follow();
  Status list();
  Status watch();
  bool is_stopping();
  void pause(uint64_t delay_ns);
  uint64_t next_delay_ns();

  const Host& host_;
  const WatcherOptions options_;
  WatchSink& sink_;
  core::v1::ResourcesClient client_;
  // Of the thread alone.
  uint64_t revision_ = 0;
  bool must_list_ = true;
  uint32_t failures_ = 0;

  std::mutex control_mutex_;  // start and stop, one at a time
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  ReplyReader<core::v1::WatchEvent>* stream_ = nullptr;  // while it is read
};

}  // namespace novacron
