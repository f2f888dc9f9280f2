// How far the operations under way are: what plugins report, stored often enough to be seen and seldom enough to cost
// little.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "host/base/timer_queue.h"
#include "host/base/worker_pool.h"
#include "host/resource/store.h"

namespace novacron::core::v1 {
class OperationSpec;
class OperationStatus;
}  // namespace novacron::core::v1

namespace novacron::host::resource {

inline constexpr uint64_t kReportIntervalNs = 100'000'000;  ///< of one operation, between two that are stored
inline constexpr size_t kMaxStepBytes = 256;
inline constexpr size_t kMaxProgressMessageBytes = 1'024;
inline constexpr size_t kMaxCheckpointBytes = 64 * 1'024;

/// What is absent stays as it was.
struct ProgressReport {
  std::optional<uint32_t> percent = {};
  std::optional<std::string> step = {};
  std::optional<std::string> message = {};
  std::optional<std::string> checkpoint = {};
};

/// [any] thread.
class Progress {
 public:
  Progress(Store& store, const Clock& clock, WorkerPool& pool, TimerQueue& timers);
  /// Nothing is stored any more.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// How far the children of an operation are makes its percent, until it reports one itself: each counts the same, and
  /// those that have ended as whole. So it goes back when a child comes, and is whole when the operation has ended.
  void add_child(const std::string& parent, const std::string& child);
  void end_child(const std::string& parent, const std::string& child);
  /// It never was one.
  void remove_child(const std::string& parent, const std::string& child);
  /// It has ended, and gets no children any more.
  void forget_children(const std::string& parent);

  /// The operation runs; `status` is stored with that revision.
  void begin(const ObjectRef& operation, const core::v1::OperationStatus& status, uint64_t status_revision);
  /// The operation's method is called once more: one attempt more. The checkpoint that it begins from.
  std::string begin_again(const std::string& operation);
  /// With a checkpoint: blocks until it is on the disk, or up to `deadline_ns`. FAILED_PRECONDITION
  /// "operation.not-running"; INVALID_ARGUMENT "field.invalid".
  Status report(const std::string& operation, const ProgressReport& report, uint64_t deadline_ns);
  /// The last checkpoint that is known; FAILED_PRECONDITION "operation.not-running".
  Result<std::string> checkpoint(const std::string& operation) const;
  /// The status as reported at last. What comes later is refused, and a report that is being stored just now does not
  /// overwrite what is stored next.
  core::v1::OperationStatus end(const std::string& operation);

 private:
  struct Entry;
  /// The children of an operation.
  struct Family {
    std::map<std::string, uint32_t> percents;  ///< of those that have not ended
    uint64_t ended = 0;
  };
  void tell_parent(const std::string& child, uint32_t percent);
  void count_children(const std::string& parent);
  void schedule(const std::string& operation, Entry& entry);
  void post(const std::string& operation);
  void store_now(const std::string& operation);
  Error not_running(const std::string& operation) const;

  Store& store_;
  const Clock& clock_;
  TimerQueue& timers_;
  const auth::ContextPtr host_;
  mutable std::mutex mutex_;
  std::condition_variable stored_;
  bool stopping_ = false;
  std::map<std::string, std::unique_ptr<Entry>> entries_;
  std::map<std::string, Family> families_;      ///< by parent, until that has ended
  std::map<std::string, std::string> parents_;  ///< by child
  struct Gate;
  const std::shared_ptr<Gate> gate_;  ///< shared with timers, which may fire when this is gone
  std::unique_ptr<Lane> lane_;
};

}  // namespace novacron::host::resource
