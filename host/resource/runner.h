// Carries operations through: one call each, with a record of how far it came that outlives the process.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/base/timer_queue.h"
#include "host/base/worker_pool.h"
#include "host/plugin/service.h"
#include "host/resource/progress.h"
#include "host/resource/store_impl.h"

namespace novacron::host::trace {
class Tracer;
}

namespace novacron::host::resource {

inline constexpr uint64_t kProviderPatienceNs = 60'000'000'000;  ///< for a service whose plugin is not there yet
inline constexpr uint64_t kFirstRetryNs = 10'000'000;            ///< doubled each time, up to kProviderRetryNs
inline constexpr uint64_t kProviderRetryNs = 250'000'000;
/// Of the process that an operation's method runs in, one after the other without a new checkpoint: an operation that
/// is what kills it does not go on for ever.
inline constexpr uint32_t kMaxDeathsOfOperation = 64;
inline constexpr uint32_t kMaxOperationDepth = 4;
inline constexpr size_t kMaxRunningChildren = 16;  ///< of each depth, besides kMaxRunningOperations of users
inline constexpr size_t kMaxChildren = 256;        ///< of one operation at a time

/// Of a service's method: {"shop.v1.RobotActions", "Fetch"}.
struct MethodName {
  std::string service;
  std::string method;
};

class OperationRunner {
 public:
  /// `tracer` null: tracing is off.
  OperationRunner(Store& store, Objects& objects, const Clock& clock, plugin::Caller& caller, WorkerPool& pool,
                  TimerQueue& timers, trace::Tracer* tracer);
  ~OperationRunner();
  /// Cancels the calls under way and waits for them. Their operations stay as they are.
  void stop();
  OperationRunner(const OperationRunner&) = delete;
  OperationRunner& operator=(const OperationRunner&) = delete;

  /// Takes up what an earlier run of the host left, and listens for requests to stop.
  Status start();
  /// Of an operation that has just been stored, `depth` below one that a user started. When it cannot be queued it is
  /// stored as failed.
  void run(const ObjectRef& operation, auth::ContextPtr context, uint32_t depth, const std::string& parent = "");

  Progress& progress() { return progress_; }
  /// Whether somebody asked this operation, which runs, to stop.
  bool is_cancelled(const std::string& operation) const;

  /// RESOURCE_EXHAUSTED "operation.children" beyond kMaxChildren, CANCELLED when the parent is to stop.
  Status adopt(const std::string& parent, const ObjectRef& child);
  /// The adopted child was not stored after all.
  void disown(const std::string& parent, const ObjectRef& child);
  /// The parent was asked to stop while the child came: asks the child too.
  void stop_with_parent(const std::string& parent, const ObjectRef& child);

  /// `ended` comes once, on any thread, when the operation has ended, now or later; not once this runner stops.
  /// `waiter` tells it apart for forget_waiter().
  void when_ended(const ObjectRef& operation, uint64_t waiter, std::function<void()> ended);
  void forget_waiter(const ObjectRef& operation, uint64_t waiter);

 private:
  struct Job;
  struct Running {
    plugin::ClientCall* call = nullptr;  ///< under way
    bool cancelled = false;              ///< somebody asked
    std::string parent;                  ///< empty: none
  };
  void expect(const StoredObject& operation);
  /// One that has ended counts in the progress of its parent, if that still runs.
  void count_ended(const StoredObject& operation);
  Status resume(const StoredObject& operation);
  void take_and_carry_out(const ObjectRef& operation, const auth::ContextPtr& context);
  void carry_out(Job job);
  Result<plugin::Message> call(const Job& job);
  void end(const Job& job, Result<plugin::Message> result);
  void end_unstarted(const Job& job);
  void fail(const ObjectRef& operation, const Error& why);
  void fail_as(const ObjectRef& operation, core::v1::OperationStatus status, int state, const Error& why);
  /// What the task log says of its end.
  std::vector<state::Put> ending(const core::v1::OperationSpec& spec, const ObjectRef& operation,
                                 const core::v1::OperationStatus& status);
  /// The status is stored as ended, together with the task log's entry.
  void store_end(const ObjectRef& operation, core::v1::OperationStatus status);
  /// None: it could not be stored, which is logged.
  std::optional<ObjectView> store(const ObjectRef& operation, const core::v1::OperationStatus& status,
                                  std::vector<state::Put> together = {});
  void forget(const ObjectRef& operation);
  void watch();
  void look_for_cancellations();
  bool take_cancellations();
  void cancel(const std::string& operation);
  void cancel_children(const std::string& parent);
  void ask_to_stop(const ObjectRef& operation);
  /// How long the plugin of a method is waited for, and how often it may die of it.
  struct Patience {
    uint64_t until_ns = 0;
    uint64_t wait_ns = kFirstRetryNs;  ///< before the next attempt
    uint32_t deaths = 0;               ///< since the checkpoint
    std::string checkpoint = {};
  };
  bool is_idempotent(const MethodName& method) const;
  bool may_repeat(const Job& job, const Error& why, Patience& patience);
  /// False: the host stops.
  bool wait_to_retry(Patience& patience);
  Lane& lane(uint32_t depth) { return *lanes_[std::min<size_t>(depth, lanes_.size() - 1)]; }

  Store& store_;
  Objects& objects_;
  const Clock& clock_;
  plugin::Caller& caller_;
  trace::Tracer* const tracer_;
  const auth::ContextPtr host_;
  Progress progress_;

  mutable std::mutex mutex_;
  std::condition_variable stop_changed_;
  bool stopping_ = false;
  std::map<std::string, Running> running_;                            ///< queued or under way, by the operation's name
  std::map<std::string, std::map<std::string, ObjectRef>> children_;  ///< of a parent, those that have not ended
  using Waiters = std::map<std::string, std::map<uint64_t, std::function<void()>>>;
  Waiters waiters_;  ///< by the operation's name
  std::mutex watch_mutex_;
  std::unique_ptr<Watch> watch_;
  std::unique_ptr<Lane> watch_lane_;
  std::vector<std::unique_ptr<Lane>> lanes_;  ///< one a depth, so that parents who wait leave room for their children
};

}  // namespace novacron::host::resource
