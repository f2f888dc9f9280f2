// What generated services derive from.
#pragma once

#include "novacron/call.h"
#include "novacron/client.h"
#include "novacron/host.h"
#include "novacron/well_known.h"

namespace novacron {

class Service {
 public:
  virtual ~Service() = default;
  /// Runs one method and ends the call. `method` is an index into the service's table.
  virtual void dispatch(uint32_t method, Call& call) = 0;
};

}  // namespace novacron
