// Which function of a plugin this thread is in.
#pragma once

#include <cstdint>

namespace novacron::boundary {

/// On the stack for as long as the plugin runs; one inside the other when a call comes back to a plugin on one thread.
class Frame final {
 public:
  enum class Wait { kMay, kMustNot };

  Frame(const char* name, Wait wait, uint64_t lane) : function(name), wait_(wait), lane_(lane), outer_(current()) {
    current() = this;
  }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
  ~Frame() { current() = outer_; }

  /// Null: a thread that the plugin made.
  static const Frame* now() { return current(); }
  static uint64_t lane_now() { return current() == nullptr ? 0 : current()->lane_; }
  bool may_wait() const { return wait_ == Wait::kMay; }

  const char* const function;

 private:
  // A thread's own, since the ABI's functions have no parameter that says from where they are called.
  static const Frame*& current() {
    static thread_local const Frame* frame = nullptr;
    return frame;
  }

  const Wait wait_;
  const uint64_t lane_;
  const Frame* const outer_;
};

}  // namespace novacron::boundary
