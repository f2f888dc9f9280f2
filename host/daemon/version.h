// The project's version, from CMake.
#pragma once

#include <string_view>

namespace novacron::host::daemon {

inline constexpr std::string_view kVersion = NOVACRON_VERSION;

}  // namespace novacron::host::daemon
