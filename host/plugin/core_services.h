// Who offers the services of the host's own contract.
#pragma once

#include <string_view>

namespace novacron::host::plugin {

/// The one that plugins provide and the host calls.
inline constexpr std::string_view kAdmissionService = "novacron.core.v1.Admission";

/// Whether the host alone offers the service.
inline bool is_host_service(std::string_view service) {
  return service.starts_with("novacron.core.") && service != kAdmissionService;
}

}  // namespace novacron::host::plugin
