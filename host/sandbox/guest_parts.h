// Small parts of a guest.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

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

/// How a process ended that nobody meant to end.
struct Death {
  std::string how;      ///< "killed by signal 9 (Killed)", or why it was killed
  int signal = 0;       ///< 0: it exited
  int exit_status = 0;  ///< without a signal
  std::vector<std::string> last_lines;

  std::string text() const {
    std::string all = how;
    for (size_t i = 0; i < last_lines.size(); ++i) all += (i == 0 ? "; its last lines: " : " | ") + last_lines[i];
    return all;
  }
};

/// The last lines that a process wrote, printable and cut: of ASCII alone, since half a character or another encoding
/// is no text to those who show them.
class LastWords final {
 public:
  void add(std::string_view bytes) {
    for (const char c : bytes) {
      if (c == '\n') {
        end_line();
      } else if (line_.size() < kMaxLastWordBytes) {
        line_ += printable(c);
      }
    }
  }
  void add_line(std::string_view line) {
    end_line();
    add(line);
    end_line();
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> all(lines_.begin(), lines_.end());
    if (!line_.empty()) all.push_back(line_);
    return all;
  }

 private:
  static char printable(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < ' ' ? ' ' : byte >= 0x7f ? '?' : c;
  }
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
