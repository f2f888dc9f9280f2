// Whether what clients saw could have come from one copy of the data, operated on by one client at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace novacron::sim {

/// On one register. Times are any that ascend; an answer at the time of another call counts as after it.
struct Operation {
  enum class Kind { kRead, kWrite };

  Kind kind = Kind::kRead;
  uint64_t called = 0;
  std::optional<uint64_t> answered;  ///< nothing: it may have happened at any time after `called`, or never
  uint64_t value = 0;                ///< written, or read; 0: as it was in the beginning
  std::string who = {};              ///< for the report
};

constexpr size_t kMaxOperations = 32'768;  ///< on one register
constexpr size_t kMaxStates = 200'000;     ///< that are tried; the question is as hard as they come (NP-complete)

struct Verdict {
  bool is_linearizable = true;
  bool is_decided = true;  ///< false: kMaxStates were not enough, and neither answer was found
  std::string why = {};    ///< the longest order that was found, and what could not follow it
};

/// The search of Wing and Gong (1993) with the memory of Lowe (2017): what was done, and the value after it, is never
/// tried twice. Reads without an answer say nothing and are left out.
Verdict check_register(std::vector<Operation> operations);

}  // namespace novacron::sim
