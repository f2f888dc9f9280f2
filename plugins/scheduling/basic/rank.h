// The choice itself: pure, no clock, no state.
#pragma once

#include "novacron/scheduling/v1/scheduling.nc.h"

namespace novacron::scheduling::basic {

inline constexpr size_t kMaxCandidates = 10'000;

struct Options {
  uint64_t cpu_overcommit = 4;  ///< virtual processors that a physical one may carry
};

/// Every candidate is in exactly one of the reply's lists. Ranked: by the share of the scarcer resource that stays
/// free, from 1 down to 0; equal ones by a hash of uid and node. The same request gives the same reply.
/// INVALID_ARGUMENT "scheduling.too-many-candidates" beyond kMaxCandidates.
Result<v1::ScheduleReply> rank(const v1::ScheduleRequest& request, const Options& options);

}  // namespace novacron::scheduling::basic
