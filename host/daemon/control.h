// What administrators do to the host itself, by REST or by a signal.
#pragma once

#include <functional>

#include "host/api/host_control.h"
#include "host/auth/roles.h"
#include "host/bus/bus.h"
#include "host/daemon/live_config.h"
#include "host/resource/store.h"

namespace novacron::host::daemon {

/// A reload is audited, logged, and told as the event "config.reloaded" or "config.refused". [any] thread.
class Control final : public api::HostControl {
 public:
  /// All outlive this.
  struct Parts {
    LiveConfig& config;
    resource::Store& store;
    bus::Bus& bus;
    LiveConfig::Apply apply;
  };
  explicit Control(Parts parts) : parts_(std::move(parts)) {}

  std::string settings() const override;
  Result<std::string> reload(const auth::ContextPtr& context) override;

 private:
  const Parts parts_;
};

}  // namespace novacron::host::daemon
