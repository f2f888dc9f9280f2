// Where a component runs its callbacks: the seam between what produces and the threads of who consumes.
#pragma once

#include <functional>

#include "host/base/result.h"

namespace novacron::host {

/// Takes work and runs it exactly once, on a thread of its choosing, possibly before it returns. Called on any thread.
/// An error means that the work was not taken and never runs; whoever gave it tries again later. A Lane's post() fits.
using Executor = std::function<Status(std::function<void()>)>;

}  // namespace novacron::host
