#include "host/plugin/lifecycle.h"

#include <algorithm>
#include <array>

namespace novacron::host::plugin {
namespace {

struct Row {
  State from;
  std::string_view name;
  std::vector<State> to;
};

/// In order of their numbers.
const std::array<Row, 10>& table() {
  using S = State;
  static const std::array<Row, 10> rows{{
      {S::kAvailable, "available", {S::kInstalled}},
      {S::kInstalled, "installed", {S::kInstalled, S::kResolved, S::kFailed, S::kDisabled, S::kAvailable}},
      {S::kResolved, "resolved", {S::kLoaded, S::kFailed, S::kAbandoned}},
      {S::kLoaded, "loaded", {S::kConfigured, S::kFailed, S::kAbandoned}},
      {S::kConfigured, "configured", {S::kEnabled, S::kFailed, S::kAbandoned}},
      {S::kEnabled, "enabled", {S::kDisabled, S::kFailed, S::kQuarantined, S::kAbandoned}},
      {S::kDisabled, "disabled", {S::kResolved, S::kFailed, S::kInstalled, S::kAvailable}},
      {S::kFailed, "failed", {S::kResolved, S::kFailed, S::kQuarantined, S::kInstalled, S::kDisabled, S::kAvailable}},
      {S::kQuarantined, "quarantined", {S::kInstalled, S::kDisabled, S::kAvailable}},
      {S::kAbandoned, "abandoned", {S::kInstalled, S::kDisabled, S::kAvailable}},
  }};
  return rows;
}

const Row& row_of(State state) {
  return table()[static_cast<size_t>(state) - 1];
}

}  // namespace

std::string_view to_string(State state) {
  return row_of(state).name;
}

bool may_follow(State from, State to) {
  const auto& allowed = row_of(from).to;
  return std::find(allowed.begin(), allowed.end(), to) != allowed.end();
}

}  // namespace novacron::host::plugin
