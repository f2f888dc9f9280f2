#include "steps.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>

namespace novacron::compute::controller {

std::optional<FailPoint> FailPoint::parse(std::string_view text) {
  FailPoint point;
  if (text.empty()) return point;
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  point.side_ = text.substr(0, colon);
  point.step_ = text.substr(colon + 1);
  if (point.side_ != "before" && point.side_ != "after") return std::nullopt;
  if (std::find(kStepNames.begin(), kStepNames.end(), point.step_) == kStepNames.end()) return std::nullopt;
  return point;
}

thread_local int StepScope::depth_ = 0;

void FailPoint::reach(std::string_view side, Step step) const {
  if (is(side, step)) ::kill(::getpid(), SIGKILL);
}

}  // namespace novacron::compute::controller
