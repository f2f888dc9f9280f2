// The host itself over REST: its settings, and its log.
#pragma once

#include <mutex>

#include "host/api/call.h"
#include "host/api/host_control.h"
#include "host/api/router.h"
#include "host/resource/store.h"

namespace novacron::host::api {

/// [worker] threads. The rights are get and reload on novacron.core/Config, get and update on novacron.core/Log.
///
///   GET   /v1/config          the settings in effect and where each is from
///   POST  /v1/config:reload   reads them again
///   GET   /v1/log             the levels in effect: {"level", "levels": {subject: level}}
///   PATCH /v1/log             a merge patch of these; holds until the next reload
///   GET   /v1/log/lines       the last lines: limit
class HostApi {
 public:
  HostApi(HostControl& control, resource::Store& resources, const auth::Authorizer& authorizer)
      : control_(control), resources_(resources), authorizer_(authorizer) {}

  static bool serves(Endpoint which);
  Result<Response> handle(const Call& call, Endpoint which);

 private:
  Result<Response> settings(const Call& call);
  Result<Response> reload(const Call& call);
  Result<Response> log_levels(const Call& call);
  Result<Response> set_log_levels(const Call& call);
  Result<Response> log_lines(const Call& call);

  HostControl& control_;
  resource::Store& resources_;
  const auth::Authorizer& authorizer_;
  std::mutex levels_mutex_;  ///< one change at a time, so that none is lost
};

}  // namespace novacron::host::api
