// A host in memory with the plugin on it, behind a Boundary: what the tests of the suites drive.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "novacron/testing/core.h"
#include "novacron/testing/host.h"
#include "novacron/testing/resources.h"
#include "sdk/boundary/boundary.h"
#include "sdk/validate/test.h"

namespace novacron::validate {

struct StageOptions {
  bool guards = false;        ///< what is lent ends at a page that faults
  bool owned_bodies = false;  ///< bodies of requests are given away with a release
  uint64_t slow_us = 0;       ///< each function of the host takes up to so long, by the seed
  uint64_t cancel_us = 0;     ///< each call is cancelled within so long of its begin, by the seed
  boundary::Transcript* transcript = nullptr;
  const nc_plugin* plugin = nullptr;  ///< instead of the one under test
};

/// Bodies that are given to a plugin together with their release.
class OwnedBodies final {
 public:
  explicit OwnedBodies(Run& run);
  OwnedBodies(const OwnedBodies&) = delete;
  OwnedBodies& operator=(const OwnedBodies&) = delete;
  ~OwnedBodies();
  nc_buf give(const nc_buf& body, const std::string& method);
  /// A finding for each that is not released.
  void check();

 private:
  struct Body;
  static void release(void* owner, const void* ptr, size_t length);
  Run& run_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Body>> bodies_;
};

class Stage;

/// One instance of the plugin. Control functions on one thread.
class Actor final {
 public:
  Actor(Stage& stage, Run& run, const StageOptions& options);
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;
  /// Ends it.
  ~Actor();

  Status create();
  Status create(const std::string& config);
  /// Starts it and offers its services.
  Status start();
  Status configure(const std::string& config);
  Status health();
  /// As a host does: it takes the services away, cancels streams, ends subscriptions and timers first.
  Result<std::vector<std::string>> quiesce();
  Status resume();
  Status restore(const std::string& from_version, std::vector<std::string> state);
  /// quiesce, destroy, and a look at what was not given back. An instance that keeps a call is abandoned.
  void end();

  boundary::Boundary& boundary() { return boundary_; }

 private:
  void offer();
  void silence();
  nc_code invoke(uint32_t service, const nc_request& request);
  bool needs_slot(uint32_t service, uint32_t method) const;
  std::unique_lock<std::recursive_mutex> hold_slot();
  uint64_t random_below(uint64_t most);
  boundary::Options options_of(const StageOptions& options);

  Stage& stage_;
  Run& run_;
  const nc_plugin* const plugin_;
  std::recursive_mutex slot_;
  const uint64_t cancel_us_;
  std::mutex random_mutex_;
  Random random_;
  testing::Seat seat_;
  OwnedBodies owned_;
  const bool has_owned_bodies_;
  boundary::Boundary boundary_;
  bool is_running_ = false;
  bool is_ended_ = false;
  bool keeps_calls_ = false;  ///< beyond their end: nothing waits for them again
};

/// How a call went.
struct Outcome {
  Code code = Code::kOk;
  std::string reason = {};
  std::string message = {};
  std::string reply = {};
};

struct CallSettings {
  uint64_t timeout_ns = 1'000'000'000;
  Fds fds = {};
};

class Stage final {
 public:
  explicit Stage(Run& run, StageOptions options = {});
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage();

  /// An instance, not created yet.
  std::unique_ptr<Actor> actor();
  /// One that runs, and null if it does not: the run is skipped then.
  std::unique_ptr<Actor> running_actor();

  /// [any] thread. Calls a method with a body, and for a stream of requests some more; of a stream of replies it takes
  /// a few. Returns when the caller is done.
  Outcome call(uint32_t service, uint32_t method, const std::string& body, CallSettings settings = {});
  /// Calls every method once, with a valid random request each.
  void call_all(Random& random);

  testing::Host& host() { return *host_; }
  uint64_t now_ns() { return host_->now_ns(); }
  const nc_descriptor& descriptor() const { return *plugin_->descriptor; }
  /// An instance that cannot be ended keeps the host: nothing of it is freed.
  void abandon() { is_abandoned_ = true; }

 private:
  void pump();

  Run& run_;
  const StageOptions options_;
  const nc_plugin* const plugin_;
  std::unique_ptr<testing::State> state_;
  std::unique_ptr<testing::Resources> resources_;
  std::unique_ptr<testing::Host> host_;
  std::atomic<bool> is_over_{false};
  bool is_abandoned_ = false;
  std::thread pump_;
};

std::string text_of(nc_str text);
/// How many descriptors and threads this process has.
size_t open_descriptors();
size_t threads();

}  // namespace novacron::validate
