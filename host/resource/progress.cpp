#include "host/resource/progress.h"

#include <novacron/core/v1/host.pb.h>

#include <algorithm>
#include <chrono>

#include "host/auth/roles.h"
#include "host/base/log.h"
#include "host/contract/violations.h"
#include "host/resource/actions.h"

namespace novacron::host::resource {

namespace {
constexpr uint64_t kMaxPercentOfChildren = 99;  ///< as long as their parent runs

Status check(const ProgressReport& report) {
  contract::Violations violations;
  const auto at_most = [&violations](const std::optional<std::string>& text, size_t max, const char* field) {
    if (text && text->size() > max) violations.add(field, "has at most " + std::to_string(max) + " bytes");
  };
  if (report.percent && *report.percent > 100) violations.add("percent", "is at most 100");
  at_most(report.step, kMaxStepBytes, "step");
  at_most(report.message, kMaxProgressMessageBytes, "message");
  at_most(report.checkpoint, kMaxCheckpointBytes, "checkpoint");
  return violations.status();
}

void merge(const ProgressReport& report, core::v1::OperationStatus& status) {
  if (report.percent) status.set_percent(*report.percent);
  if (report.step) status.set_step(*report.step);
  if (report.message) status.set_message(*report.message);
  if (report.checkpoint) status.set_checkpoint(*report.checkpoint);
}
}  // namespace

struct Progress::Gate {
  std::mutex mutex;
  Progress* progress = nullptr;  ///< null: gone
};

struct Progress::Entry {
  ObjectRef operation;
  core::v1::OperationStatus status;
  uint64_t status_revision = 0;
  uint64_t reported = 0;  ///< counts what differs
  uint64_t stored = 0;    ///< of those
  uint64_t not_before_ns = 0;
  bool scheduled = false;
  bool urgent = false;
  bool says_percent = false;  ///< itself, and not its children for it
};

Progress::Progress(Store& store, const Clock& clock, WorkerPool& pool, TimerQueue& timers)
    : store_(store),
      clock_(clock),
      timers_(timers),
      host_(auth::host_context("")),
      gate_(std::make_shared<Gate>()),
      lane_(std::make_unique<Lane>(pool, Lane::Options{"operations.progress", 1, kMaxQueuedOperations})) {
  gate_->progress = this;
}

Progress::~Progress() {
  {
    const std::lock_guard gate(gate_->mutex);
    gate_->progress = nullptr;
  }
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    stored_.notify_all();
  }
  lane_.reset();
}

void Progress::begin(const ObjectRef& operation, const core::v1::OperationStatus& status, uint64_t status_revision) {
  const std::lock_guard lock(mutex_);
  auto entry = std::make_unique<Entry>();
  entry->operation = operation;
  entry->status = status;
  entry->status_revision = status_revision;
  entries_[operation.name] = std::move(entry);
  count_children(operation.name);
}

std::string Progress::begin_again(const std::string& operation) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(operation);
  if (found == entries_.end() || stopping_) return "";
  Entry& entry = *found->second;
  entry.status.set_attempts(entry.status.attempts() + 1);
  ++entry.reported;
  schedule(operation, entry);
  return entry.status.checkpoint();
}

void Progress::add_child(const std::string& parent, const std::string& child) {
  const std::lock_guard lock(mutex_);
  families_[parent].percents.emplace(child, 0);
  parents_[child] = parent;
  count_children(parent);
}

void Progress::remove_child(const std::string& parent, const std::string& child) {
  const std::lock_guard lock(mutex_);
  parents_.erase(child);
  const auto family = families_.find(parent);
  if (family == families_.end()) return;
  family->second.percents.erase(child);
  if (family->second.percents.empty() && family->second.ended == 0) families_.erase(family);
  count_children(parent);
}

void Progress::end_child(const std::string& parent, const std::string& child) {
  const std::lock_guard lock(mutex_);
  parents_.erase(child);
  const auto family = families_.find(parent);
  if (family == families_.end() || family->second.percents.erase(child) == 0) return;
  ++family->second.ended;
  count_children(parent);
}

void Progress::forget_children(const std::string& parent) {
  const std::lock_guard lock(mutex_);
  families_.erase(parent);
}

/// With the lock held.
void Progress::tell_parent(const std::string& child, uint32_t percent) {
  const auto parent = parents_.find(child);
  if (parent == parents_.end()) return;
  const auto family = families_.find(parent->second);
  if (family == families_.end()) return;
  const auto known = family->second.percents.find(child);
  if (known == family->second.percents.end() || known->second == percent) return;
  known->second = percent;
  count_children(parent->second);
}

/// With the lock held. Operations are a few deep, so what this may set off at their parents is bounded.
void Progress::count_children(const std::string& parent) {
  const auto found = entries_.find(parent);
  const auto family = families_.find(parent);
  if (found == entries_.end() || family == families_.end() || found->second->says_percent || stopping_) return;
  uint64_t sum = 100 * family->second.ended;
  for (const auto& [child, percent] : family->second.percents) sum += percent;
  const uint64_t count = family->second.ended + family->second.percents.size();
  const auto percent = static_cast<uint32_t>(std::min<uint64_t>(sum / count, kMaxPercentOfChildren));
  Entry& entry = *found->second;
  if (entry.status.percent() == percent) return;
  entry.status.set_percent(percent);
  ++entry.reported;
  schedule(parent, entry);
  tell_parent(parent, percent);
}

Error Progress::not_running(const std::string& operation) const {
  return {Code::kFailedPrecondition, "the operation " + operation + " does not run any more", "operation.not-running"};
}

Status Progress::report(const std::string& operation, const ProgressReport& report, uint64_t deadline_ns) {
  TRY_STATUS(check(report));
  std::unique_lock lock(mutex_);
  const auto found = entries_.find(operation);
  if (found == entries_.end() || stopping_) return not_running(operation);
  Entry& entry = *found->second;
  merge(report, entry.status);
  entry.says_percent |= report.percent.has_value();
  if (report.percent) tell_parent(operation, *report.percent);
  const uint64_t mine = ++entry.reported;
  entry.urgent |= report.checkpoint.has_value();
  schedule(operation, entry);
  if (!report.checkpoint) return {};
  const auto done = [&] {
    const auto now = entries_.find(operation);
    return stopping_ || now == entries_.end() || now->second->stored >= mine;
  };
  const uint64_t now_ns = clock_.monotonic_ns();
  const uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
  if (!stored_.wait_for(lock, std::chrono::nanoseconds(left_ns), done))
    return Error{Code::kDeadlineExceeded, "the checkpoint is not stored yet", "operation.checkpoint"};
  if (stopping_ || entries_.find(operation) == entries_.end()) return not_running(operation);
  return {};
}

/// With the lock held. At once, or when the interval since the last one is over.
void Progress::schedule(const std::string& operation, Entry& entry) {
  const uint64_t now_ns = clock_.monotonic_ns();
  if (entry.urgent || (!entry.scheduled && now_ns >= entry.not_before_ns)) {
    entry.scheduled = true;
    return post(operation);
  }
  if (entry.scheduled) return;
  entry.scheduled = true;
  timers_.at(entry.not_before_ns, [gate = gate_, operation] {
    const std::lock_guard lock(gate->mutex);
    if (gate->progress != nullptr) gate->progress->post(operation);
  });
}

void Progress::post(const std::string& operation) {
  const auto posted = lane_->post([this, operation] { store_now(operation); });
  if (!posted.ok()) log_warn("operations", "progress not stored", {{"why", posted.error().message}});
}

void Progress::store_now(const std::string& operation) {
  std::unique_lock lock(mutex_);
  const auto found = entries_.find(operation);
  if (found == entries_.end() || stopping_) return;
  Entry& entry = *found->second;
  entry.scheduled = entry.urgent = false;
  entry.not_before_ns = clock_.monotonic_ns() + kReportIntervalNs;
  const uint64_t reported = entry.reported;
  if (entry.stored == reported) return;
  const ObjectRef ref = entry.operation;
  const std::string status = entry.status.SerializeAsString();
  const uint64_t expected = entry.status_revision;
  lock.unlock();
  WriteOptions options;
  options.audit = WriteOptions::Audit::kSkip;
  const auto written = store_.update_status(host_, ref, status, expected, options);
  lock.lock();
  const auto now = entries_.find(operation);
  if (now == entries_.end()) return;
  if (written.ok()) {
    now->second->status_revision = written->object.status_revision;
    now->second->stored = reported;
  } else {
    log_warn("operations", "progress not stored", {{"operation", operation}, {"why", written.error().message}});
  }
  stored_.notify_all();
}

Result<std::string> Progress::checkpoint(const std::string& operation) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(operation);
  if (found == entries_.end()) return not_running(operation);
  return found->second->status.checkpoint();
}

core::v1::OperationStatus Progress::end(const std::string& operation) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(operation);
  if (found == entries_.end()) return {};
  core::v1::OperationStatus status = std::move(found->second->status);
  entries_.erase(found);
  stored_.notify_all();
  return status;
}

}  // namespace novacron::host::resource
