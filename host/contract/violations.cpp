#include "host/contract/violations.h"

#include <algorithm>
#include <cctype>
#include <numeric>

#include "host/contract/schema.h"

namespace novacron::host::contract {

void Violations::add(std::string path, std::string message) {
  ++count_;
  if (kept_.size() < kMaxViolations) kept_.push_back({std::move(path), std::move(message)});
}

Status Violations::status(Code code, std::string_view reason) const {
  if (empty()) return {};
  const auto& first = kept_.front();
  std::string message = first.path.empty() ? first.message : first.path + ": " + first.message;
  if (count_ > 1) message += " (and " + std::to_string(count_ - 1) + " more)";
  return Error{code, std::move(message), std::string(reason), kept_};
}

std::string join_path(std::string_view path, std::string_view name) {
  if (path.empty()) return std::string(name);
  if (name.empty()) return std::string(path);
  return std::string(path) + "." + std::string(name);
}

std::string index_path(std::string_view path, size_t index) {
  return std::string(path) + "[" + std::to_string(index) + "]";
}

std::string key_path(std::string_view path, std::string_view key) {
  return std::string(path) + "[\"" + std::string(key) + "\"]";
}

namespace {
constexpr size_t kMaxComparedBytes = 64;

/// Lower case without underscores and dashes, so that memoryBytes is memory_bytes.
std::string folded(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c != '_' && c != '-') out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

/// Levenshtein's.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}
}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string_view>& known) {
  if (name.size() > kMaxComparedBytes) return {};
  const std::string wanted = folded(name);
  std::string_view best;
  size_t best_distance = std::max<size_t>(1, wanted.size() / 3) + 1;
  for (const auto candidate : known) {
    const std::string other = folded(candidate);
    // "memory" for "memory_bytes": the unit is easily left off.
    const bool unit_left_off = wanted.size() >= 3 && other.starts_with(wanted);
    const size_t d = unit_left_off ? 1 : distance(wanted, other);
    if (d >= best_distance) continue;
    best = candidate;
    best_distance = d;
  }
  return std::string(best);
}

}  // namespace novacron::host::contract
