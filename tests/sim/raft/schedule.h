// Virtual time: what happens when, in one order that the seed decides.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

namespace novacron::sim {

class Schedule final {
 public:
  uint64_t now_us() const { return now_us_; }
  uint64_t events() const { return events_; }

  void after(uint64_t delay_us, std::function<void()> action) {
    queue_.push({now_us_ + delay_us, next_++, std::move(action)});
  }
  /// Runs what is due until `until_us` or until `is_over`.
  void run(uint64_t until_us, const std::function<bool()>& is_over) {
    while (!queue_.empty() && queue_.top().at_us <= until_us && !is_over()) {
      const auto action = std::move(const_cast<Event&>(queue_.top()).action);  // it is popped at once
      now_us_ = queue_.top().at_us;
      queue_.pop();
      ++events_;
      action();
    }
    if (!is_over()) now_us_ = until_us;
  }

 private:
  struct Event {
    uint64_t at_us;
    uint64_t number;
    std::function<void()> action;
    bool operator<(const Event& other) const {
      return at_us != other.at_us ? at_us > other.at_us : number > other.number;
    }
  };

  uint64_t now_us_ = 0;
  uint64_t next_ = 0;
  uint64_t events_ = 0;
  std::priority_queue<Event> queue_;
};

}  // namespace novacron::sim
