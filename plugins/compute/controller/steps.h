// Everything that the controller does to the world outside has a name here, so that a test can end the process before
// and after each of them and see the system converge.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace novacron::compute::controller {

enum class Step {
  kAddFinalizer,
  kSchedule,
  kBind,
  kAcquireClaim,
  kReadGuest,
  kStartGuest,
  kPauseGuest,
  kResumeGuest,
  kStopGuest,
  kDeleteGuest,
  kReleaseClaim,
  kWriteStatus,
  kPublish,
  kRemoveFinalizer,
};

inline constexpr std::array<std::string_view, 14> kStepNames = {
    "add-finalizer", "schedule",   "bind",         "acquire-claim", "read-guest",   "start-guest", "pause-guest",
    "resume-guest",  "stop-guest", "delete-guest", "release-claim", "write-status", "publish",     "remove-finalizer",
};

constexpr std::string_view name_of(Step step) {
  return kStepNames[static_cast<size_t>(step)];
}

/// Where the process is to end. Empty in production.
class FailPoint {
 public:
  /// "before:start-guest", "after:bind", or "". Nothing for a text that names no step.
  static std::optional<FailPoint> parse(std::string_view text);

  bool is_set() const { return !side_.empty(); }
  bool is(std::string_view side, Step step) const { return side == side_ && name_of(step) == step_; }
  /// Ends the process with SIGKILL if this is the place.
  void reach(std::string_view side, Step step) const;

 private:
  std::string side_;
  std::string step_;
};

/// One step under way: reaches the fail point before it and after it.
class StepScope {
 public:
  StepScope(const FailPoint& fail_point, Step step) : fail_point_(fail_point), step_(step) {
    fail_point_.reach("before", step_);
    ++depth_;
  }
  ~StepScope() {
    --depth_;
    fail_point_.reach("after", step_);
  }
  StepScope(const StepScope&) = delete;
  StepScope& operator=(const StepScope&) = delete;

  /// On this thread.
  static bool is_under_way() { return depth_ > 0; }

 private:
  static thread_local int depth_;
  const FailPoint& fail_point_;
  const Step step_;
};

}  // namespace novacron::compute::controller
