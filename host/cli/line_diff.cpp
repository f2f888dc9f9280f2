#include "host/cli/line_diff.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace novacron::host::cli {
namespace {

using Lines = std::vector<std::string_view>;

struct Step {
  char sign;  // ' ', '-', '+'
  std::string_view line;
};

Lines split(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// The longest common subsequence of what is left of both behind (i, j), for all i and j.
std::vector<uint32_t> common_lengths(const Lines& a, const Lines& b) {
  const size_t stride = b.size() + 1;
  std::vector<uint32_t> lengths((a.size() + 1) * stride, 0);
  for (size_t i = a.size(); i-- > 0;) {
    for (size_t j = b.size(); j-- > 0;) {
      const uint32_t skipped = std::max(lengths[(i + 1) * stride + j], lengths[i * stride + j + 1]);
      lengths[i * stride + j] = a[i] == b[j] ? lengths[(i + 1) * stride + j + 1] + 1 : skipped;
    }
  }
  return lengths;
}

std::vector<Step> steps_between(const Lines& a, const Lines& b) {
  std::vector<Step> steps;
  size_t i = 0;
  size_t j = 0;
  if (a.size() * b.size() <= kMaxDiffCells) {
    const std::vector<uint32_t> lengths = common_lengths(a, b);
    const size_t stride = b.size() + 1;
    while (i < a.size() && j < b.size()) {
      if (a[i] == b[j]) {
        steps.push_back({' ', a[i]});
        ++i, ++j;
      } else if (lengths[(i + 1) * stride + j] >= lengths[i * stride + j + 1]) {
        steps.push_back({'-', a[i++]});
      } else {
        steps.push_back({'+', b[j++]});
      }
    }
  }
  while (i < a.size()) steps.push_back({'-', a[i++]});
  while (j < b.size()) steps.push_back({'+', b[j++]});
  return steps;
}

std::string painted(const Step& step, Paint paint) {
  const std::string line = step.sign + std::string(step.line);
  if (paint == Paint::kPlain || step.sign == ' ') return line + "\n";
  return (step.sign == '-' ? "\x1b[31m" : "\x1b[32m") + line + "\x1b[0m\n";
}

/// Whether a change is so near that the line is shown.
std::vector<bool> shown_steps(const std::vector<Step>& steps) {
  std::vector<bool> shown(steps.size(), false);
  for (size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].sign == ' ') continue;
    const size_t from = i - std::min(i, kDiffContext);
    const size_t to = std::min(steps.size(), i + kDiffContext + 1);
    for (size_t j = from; j < to; ++j) shown[j] = true;
  }
  return shown;
}

}  // namespace

std::string line_diff(std::string_view before, std::string_view after, Paint paint) {
  if (before == after) return "";
  const std::vector<Step> steps = steps_between(split(before), split(after));
  const std::vector<bool> shown = shown_steps(steps);
  std::string out;
  size_t a = 1;
  size_t b = 1;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (shown[i] && (i == 0 || !shown[i - 1])) out += "@@ -" + std::to_string(a) + " +" + std::to_string(b) + " @@\n";
    if (shown[i]) out += painted(steps[i], paint);
    if (steps[i].sign != '+') ++a;
    if (steps[i].sign != '-') ++b;
  }
  return out;
}

}  // namespace novacron::host::cli
