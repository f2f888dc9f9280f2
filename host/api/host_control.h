// What the process around the API lets administrators see and change.
#pragma once

#include <string>

#include "host/auth/context.h"
#include "host/base/result.h"

namespace novacron::host::api {

/// [worker] threads.
class HostControl {
 public:
  virtual ~HostControl() = default;
  /// The settings in effect, as JSON. Secrets are masked.
  virtual std::string settings() const = 0;
  /// Reads the settings again: JSON that says what has changed and what waits for a restart. INVALID_ARGUMENT
  /// "config.invalid" when they are wrong; then nothing has changed. Audited.
  virtual Result<std::string> reload(const auth::ContextPtr& context) = 0;
};

}  // namespace novacron::host::api
