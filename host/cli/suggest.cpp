#include "host/cli/suggest.h"

#include <algorithm>
#include <numeric>

namespace novacron::host::cli {
namespace {

constexpr size_t kMaxWordLength = 64;
constexpr size_t kMaxSuggestions = 3;

/// Edits (insert, remove, replace, swap of neighbours) that make `b` of `a`.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1), last(b.size() + 1), current(b.size() + 1);
  std::iota(last.begin(), last.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({replaced, last[j] + 1, current[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) current[j] = std::min(current[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, current);
  }
  return last[b.size()];
}

}  // namespace

std::vector<std::string> suggestions(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.empty() || word.size() > kMaxWordLength) return {};
  std::vector<std::pair<size_t, std::string>> near;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kMaxWordLength) continue;
    const bool prefix = word.size() >= 2 && candidate.starts_with(word);
    const size_t distance = prefix && word != candidate ? 1 : edit_distance(word, candidate);
    const size_t allowed = word.size() <= 3 ? 1 : word.size() / 3 + 1;
    if (distance <= allowed) near.emplace_back(distance, candidate);
  }
  std::sort(near.begin(), near.end());
  near.erase(std::unique(near.begin(), near.end()), near.end());
  std::vector<std::string> result;
  for (size_t i = 0; i < near.size() && i < kMaxSuggestions && near[i].first == near[0].first; ++i) {
    result.push_back(near[i].second);
  }
  return result;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::vector<std::string> near = suggestions(word, candidates);
  if (near.empty()) return "";
  std::string text = " Did you mean ";
  for (size_t i = 0; i < near.size(); ++i) {
    if (i > 0) text += i + 1 == near.size() ? " or " : ", ";
    text += "`" + near[i] + "`";
  }
  return text + "?";
}

}  // namespace novacron::host::cli
