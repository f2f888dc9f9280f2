#include "host/plugin/breaker.h"

#include <algorithm>

#include "host/plugin/lifecycle.h"

namespace novacron::host::plugin {

Breaker::Breaker(const Clock& clock, Options options) : clock_(clock), options_(std::move(options)) {}

Status Breaker::admit(bool& probe) {
  probe = false;
  if (quiet_.load(std::memory_order_relaxed)) return {};
  std::lock_guard lock(mutex_);
  if (where_ == Where::kClosed) return {};
  const uint64_t now_ns = clock_.monotonic_ns();
  if (now_ns >= until_ns_) {
    where_ = Where::kHalfOpen;
    until_ns_ = now_ns + kProbeNs;
    probe = true;
    return {};
  }
  Error refused{Code::kUnavailable,
                options_.plugin + " failed " + std::to_string(failures_) + " calls of " + options_.service +
                    " in a row; it is asked again after a while",
                "plugin.breaker-open"};
  refused.retry_after_ns = where_ == Where::kOpen ? until_ns_ - now_ns : kFirstOpenNs;
  return refused;
}

void Breaker::learn(Lesson lesson, bool probe) {
  if (lesson == Lesson::kWell && quiet_.load(std::memory_order_relaxed)) return;
  if (lesson == Lesson::kNoAnswer && options_.on_no_answer) options_.on_no_answer();
  Change change = Change::kClosed;
  {
    std::lock_guard lock(mutex_);
    if (where_ != Where::kClosed && !probe) return;  // begun before it opened: nothing new
    if (lesson == Lesson::kNothing) {
      if (probe) until_ns_ = clock_.monotonic_ns();  // the next call is the probe
      return;
    }
    if (lesson != Lesson::kWell) {
      quiet_ = false;
      ++failures_;
      if (!probe && failures_ < kFailuresToOpen) return;
      open(probe ? std::min(2 * open_ns_, kLongestOpenNs) : kFirstOpenNs);
      if (probe) return;  // open as before, only longer
      change = Change::kOpened;
    } else {
      failures_ = 0;
      where_ = Where::kClosed;
      quiet_ = true;
      if (!probe) return;
    }
  }
  if (options_.on_change) options_.on_change(change);
}

void Breaker::open(uint64_t for_ns) {
  where_ = Where::kOpen;
  open_ns_ = for_ns;
  until_ns_ = clock_.monotonic_ns() + for_ns;
}

bool Breaker::describe(OpenBreaker& out) const {
  std::lock_guard lock(mutex_);
  if (where_ == Where::kClosed) return false;
  out.service = options_.service;
  out.half_open = where_ == Where::kHalfOpen;
  out.failures = failures_;
  return true;
}

}  // namespace novacron::host::plugin
