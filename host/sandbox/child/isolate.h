// The layers, as the process puts itself under them: once, on its only thread, before it loads anything.
#pragma once

#include <string>

#include "host/base/fd.h"
#include "host/sandbox/isolation.h"

namespace novacron::host::sandbox {

/// What there is when all is done.
struct Isolated {
  Layers layers = 0;
  std::string folder;   ///< where the library is; empty: nowhere, it is to be loaded from its descriptor
  std::string why_not;  ///< for each layer that failed
  Fd listener;          ///< of the filter, where the gatekeeper is to have one
};

/// The error is of something that is wanted and refused: a granted path that is not there. `library` is copied.
Result<Isolated> isolate(const Isolation& wanted, int library);

}  // namespace novacron::host::sandbox
