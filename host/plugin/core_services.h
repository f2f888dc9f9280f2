// Who offers the services of the host's own contract.
#pragma once

#include <string_view>

namespace novacron::host::plugin {

/// Those that plugins provide and the host calls.
inline constexpr std::string_view kAdmissionService = "novacron.core.v1.Admission";

inline constexpr std::string_view kPlannerService = "novacron.core.v1.Planner";

/// Whether the host alone offers the service.
inline bool is_host_service(std::string_view service) {
  return service.starts_with("novacron.core.") && service != kAdmissionService && service != kPlannerService;
}

}  // namespace novacron::host::plugin
