// Small parts of a guest.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace novacron::host::sandbox {

constexpr uint64_t kPingEveryNs = 2'000'000'000;
constexpr uint64_t kPongWithinNs = 20'000'000'000;  ///< else its process does not run any more
constexpr size_t kMaxLastWords = 20;                ///< lines that are kept for the case that it dies
constexpr size_t kMaxLastWordBytes = 256;           ///< of one

/// When to ask whether the process still runs, and when not to believe it any more.
class Pulse final {
 public:
  void begin(uint64_t now_ns) { pinged_ns_ = ponged_ns_ = now_ns; }
  /// True: send one now.
  bool due(uint64_t now_ns) {
    if (now_ns < pinged_ns_ + kPingEveryNs) return false;
    pinged_ns_ = now_ns;
    return true;
  }
  void came(uint64_t now_ns) { ponged_ns_ = now_ns; }
  bool lost(uint64_t now_ns) const { return now_ns > ponged_ns_ + kPongWithinNs; }

 private:
  uint64_t pinged_ns_ = 0;
  uint64_t ponged_ns_ = 0;
};

/// The last lines that a process wrote, printable and cut.
class LastWords final {
 public:
  void add(std::string_view bytes) {
    for (const char c : bytes) {
      if (c == '\n') {
        end_line();
      } else if (line_.size() < kMaxLastWordBytes) {
        line_ += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
      }
    }
  }
  void add_line(std::string_view line) {
    end_line();
    add(line);
    end_line();
  }
  /// "one | two".
  std::string text() const {
    std::string all;
    for (const std::string& line : lines_) all += (all.empty() ? "" : " | ") + line;
    if (!line_.empty()) all += (all.empty() ? "" : " | ") + line_;
    return all;
  }

 private:
  void end_line() {
    if (line_.empty()) return;
    lines_.push_back(std::move(line_));
    line_.clear();
    if (lines_.size() > kMaxLastWords) lines_.pop_front();
  }
  std::deque<std::string> lines_;
  std::string line_;
};

}  // namespace novacron::host::sandbox
